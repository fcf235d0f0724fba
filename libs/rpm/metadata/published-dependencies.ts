import { compareVersionTexts, formatVersion } from '../version.js';
import { dependencyKinds, type Dependency, type DependencyKind } from '../dependency.js';
import { readDependencies, type DependencyTags } from '../package/dependencies.js';
import type { RpmHeader } from '../package/header.js';
import { tag } from '../package/tags.js';
import { isPrimaryPath } from './primary-path.js';

export interface PublishedFile {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'ghost';
}

type Dependencies = Readonly<Record<DependencyKind, readonly Dependency[]>>;

/** RPMSENSE_MISSINGOK and RPMSENSE_STRONG: how packages said `recommends` before there were tags for it. */
const [missingOk, strong] = [1 << 19, 1 << 27];
const oldSuggests: DependencyTags = [tag.oldSuggestName, tag.oldSuggestFlags, tag.oldSuggestVersion];
const oldEnhances: DependencyTags = [tag.oldEnhanceName, tag.oldEnhanceFlags, tag.oldEnhanceVersion];

/**
 * What repositories say of a package's dependencies, which is not all: `rpmlib(…)` is rpm's own affair, what the package itself provides needs nobody
 * else, the same twice says no more than once, and of the C library's symbol versions the highest stands for all. `files`: those of the package.
 */
export function publishedDependencies(header: RpmHeader, files: readonly PublishedFile[]): Dependencies {
  const all = Object.fromEntries(dependencyKinds.map((kind) => [kind, readDependencies(header, kind)])) as Record<DependencyKind, readonly Dependency[]>;
  const optional = new Set<Dependency>();
  for (const [index, flags] of header.numbers(tag.requireFlags).entries()) if ((flags & missingOk) !== 0) optional.add(all.requires[index] as Dependency);
  const requires = publishedRequires(all, files);
  const [old, oldReversed] = [splitOld(header, oldSuggests), splitOld(header, oldEnhances)];
  return {
    ...all,
    requires: optional.size === 0 ? requires : requires.filter((each) => !optional.has(each)),
    recommends: [...(optional.size === 0 ? [] : requires.filter((each) => optional.has(each))), ...all.recommends, ...old.strong],
    suggests: [...all.suggests, ...old.weak],
    supplements: [...all.supplements, ...oldReversed.strong],
    enhances: [...all.enhances, ...oldReversed.weak],
  };
}

function splitOld(header: RpmHeader, tags: DependencyTags): { readonly strong: readonly Dependency[]; readonly weak: readonly Dependency[] } {
  const list = readDependencies(header, tags);
  if (list.length === 0) return { strong: [], weak: [] };
  const flags = header.numbers(tags[1]);
  const isStrong = (_: Dependency, index: number): boolean => ((flags[index] ?? 0) & strong) !== 0;
  return { strong: list.filter(isStrong), weak: list.filter((each, index) => !isStrong(each, index)) };
}

function publishedRequires(all: Dependencies, files: readonly PublishedFile[]): readonly Dependency[] {
  const provided = new Set(all.provides.map(capability));
  const last = new Map<string, string>();
  const published: Dependency[] = [];
  let libc: Dependency | undefined;
  let paths: ReadonlySet<string> | undefined; // most packages need no file by its path
  for (const dependency of all.requires) {
    const { name } = dependency;
    if (name.startsWith('rpmlib(')) continue;
    if (isPrimaryPath(name) && name.startsWith('/')) {
      paths ??= new Set(files.map(({ path }) => path));
      if (paths.has(name)) continue;
    }
    const key = capability(dependency);
    if (provided.has(key)) continue;
    if (name.startsWith('libc.so.6')) {
      if (libc === undefined || isOlderSymbol(libc.name, name)) libc = dependency;
      continue;
    }
    const keyed = dependency.before === true ? `${key}!` : key;
    // Only against the last one of the name, as createrepo_c does: the others differ, and nobody is misled by one too many.
    if (last.get(name) === keyed) continue;
    last.set(name, keyed);
    published.push(dependency);
  }
  return libc === undefined ? published : [...published, libc];
}

function capability({ name, comparison, version }: Dependency): string {
  return comparison === undefined || version === undefined ? name : `${name} ${comparison} ${formatVersion(version)}`;
}

/** Of `libc.so.6(GLIBC_2.4)(64bit)` and `libc.so.6()(64bit)`: by the version in the first parentheses, none being the oldest. */
function isOlderSymbol(one: string, other: string): boolean {
  const [left, right] = [symbolVersion(one), symbolVersion(other)];
  if (left === undefined || right === undefined) return left === undefined && right !== undefined;
  return compareVersionTexts(left, right) < 0;
}

function symbolVersion(name: string): string | undefined {
  return /^[^(]*\([^0-9)]*([0-9][^)]*)\)/.exec(name)?.[1];
}
