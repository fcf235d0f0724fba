import { refusal } from '../../inspection/refusal.js';
import type { Comparison, Dependency, DependencyKind } from '../dependency.js';
import { parseVersion } from '../version.js';
import type { RpmHeader } from './header.js';
import { tag } from './tags.js';

/** Tags of names, flags and versions. */
export type DependencyTags = readonly [names: number, flags: number, versions: number];

const tags: Readonly<Record<DependencyKind, DependencyTags>> = {
  requires: [tag.requireName, tag.requireFlags, tag.requireVersion],
  provides: [tag.provideName, tag.provideFlags, tag.provideVersion],
  conflicts: [tag.conflictName, tag.conflictFlags, tag.conflictVersion],
  obsoletes: [tag.obsoleteName, tag.obsoleteFlags, tag.obsoleteVersion],
  recommends: [tag.recommendName, tag.recommendFlags, tag.recommendVersion],
  suggests: [tag.suggestName, tag.suggestFlags, tag.suggestVersion],
  supplements: [tag.supplementName, tag.supplementFlags, tag.supplementVersion],
  enhances: [tag.enhanceName, tag.enhanceFlags, tag.enhanceVersion],
};

/** Bits 1 (less), 2 (greater) and 3 (equal) of a dependency's flags. */
const comparisons: readonly (Comparison | undefined)[] = [undefined, 'LT', 'GT', undefined, 'EQ', 'LE', 'GE', undefined];
/** RPMSENSE_PREREQ, RPMSENSE_SCRIPT_PRE and RPMSENSE_SCRIPT_POST: what rpm-md calls `pre`. */
const beforeInstallation = 0x40 | 0x200 | 0x400;

/** The dependencies of one kind, in the order of the header. Throws a reason when its three lists differ in length. */
export function readDependencies(header: RpmHeader, kind: DependencyKind | DependencyTags): readonly Dependency[] {
  const [nameTag, flagsTag, versionTag] = typeof kind === 'string' ? tags[kind] : kind;
  const names = header.strings(nameTag);
  if (names.length === 0) return [];
  const flags = header.numbers(flagsTag);
  const versions = header.strings(versionTag);
  // Packages of rpm 3 have provides without flags and versions.
  const unversioned = flags.length === 0 && versions.length === 0;
  if (!unversioned && (flags.length !== names.length || versions.length !== names.length)) throw refusal(`the package's ${typeof kind === 'string' ? kind : 'dependencies'} are damaged: names, flags and versions differ in number`);
  return names.map((name, index) => dependency(name, flags[index] ?? 0, versions[index] ?? ''));
}

function dependency(name: string, flags: number, version: string): Dependency {
  const comparison = comparisons[(flags >> 1) & 7];
  return {
    name,
    ...(comparison === undefined || version === '' ? {} : { comparison, version: parseVersion(version) }),
    ...((flags & beforeInstallation) === 0 ? {} : { before: true as const }),
  };
}
