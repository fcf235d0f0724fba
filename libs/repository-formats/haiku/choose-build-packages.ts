import { invalidFile } from '../../haiku/invalid-haiku-file.js';
import type { PackageInfo, Requirement } from '../../haiku/package/package-info.js';
import { formatVersion, isVersion, parseVersion } from '../../haiku/package/version.js';
import { chooseProviders } from '../../haiku/resolution/choose-providers.js';
import { formatRequirement, indexProviders, type Providers, type Unresolved } from '../../haiku/resolution/resolve-packages.js';
import { describedBy } from './package-metadata.js';
import { parseRequirement } from './relations.js';

/** What a builder asks. It has two folders, as HaikuPorter's builders do: one of the repository's packages, one of the system's. */
export interface BuilderRequest {
  /** What its build needs: requirements (`cmd:gcc >= 13`, `haiku_devel`) or file names of packages. */
  readonly wanted: readonly string[];
  /** File names that it has in its folder of packages. */
  readonly packages: readonly string[];
  readonly systemPackages: readonly string[];
}

/** File names. What a builder has and may keep is not to be sent. */
export interface BuilderChoice {
  readonly fetch: readonly ChosenPackage[];
  readonly keep: readonly string[];
  /** Neither repository lists them. */
  readonly drop: readonly string[];
  /** Empty: the build can begin. */
  readonly unresolved: readonly UnresolvedRequirement[];
}

export interface ChosenPackage {
  /** See `ListedPackage`. */
  readonly key: string;
  readonly from: 'repository' | 'system';
}

export interface UnresolvedRequirement {
  readonly requirement: string;
  /** The package that needs it, `foo-1.2.3-1`; null: it was wanted itself. */
  readonly neededBy: string | null;
}

/** What is known of one repository's state; made once, asked by many builders. */
export interface BuildIndex {
  readonly keys: ReadonlySet<string>;
  readonly packages: readonly IndexedPackage[];
}

export interface IndexedPackage {
  readonly key: string;
  readonly info: Pick<PackageInfo, 'name' | 'version' | 'provides' | 'requires'>;
}

export interface BuilderRepositories {
  readonly repository: BuildIndex;
  /** Undefined: the service does not know the system's packages; what the builder has of them stays, and provides no more than its names and versions. */
  readonly system?: BuildIndex;
}

/** Of `ListedPackage.key` and its metadata. Errors: `source-invalid`. */
export function indexBuildPackages(packages: Iterable<{ readonly key: string; readonly metadata: Buffer }>): BuildIndex {
  const indexed = Array.from(packages, ({ key, metadata }) => ({ key, info: describedBy(metadata).info }));
  return { keys: new Set(indexed.map(({ key }) => key)), packages: indexed };
}

/**
 * What to fetch, so that a build finds what it needs and nothing is sent twice. The repository's own packages come before the system's, the newest version first; a package that needs what
 * nothing provides gives way to another one that does. Errors: `source-invalid` for what is neither a requirement nor the name of a package file.
 */
export function chooseForBuilder({ wanted, packages, systemPackages }: BuilderRequest, { repository, system }: BuilderRepositories): BuilderChoice {
  const known = system ?? indexOfNames(systemPackages);
  const providers = oneBeforeOther(indexProviders(repository.packages, infoOf), indexProviders(known.packages, infoOf));
  const byKey = new Map([...known.packages, ...repository.packages].map((item) => [item.key, item]));
  const files = wanted.filter((text) => text.endsWith('.hpkg'));
  const missing = files.filter((key) => !byKey.has(key));
  const roots = files.flatMap((key) => byKey.get(key) ?? []);
  const choice = chooseProviders([...wanted.filter((text) => !text.endsWith('.hpkg')).map(requirementIn), ...roots.flatMap(({ info }) => info.requires)], providers, infoOf);
  const there = new Set([...packages, ...systemPackages]);
  const needed = [...new Set([...roots, ...choice.packages].map(({ key }) => key))];
  const listed = (key: string): boolean => repository.keys.has(key) || known.keys.has(key);
  return {
    fetch: needed.filter((key) => !there.has(key)).map((key) => ({ key, from: repository.keys.has(key) ? 'repository' : 'system' })),
    keep: [...there].filter(listed),
    drop: [...there].filter((key) => !listed(key)),
    unresolved: [...choice.reasons.map(reason), ...unmetOf(choice.unmet, { wanted, roots }), ...missing.map((key) => ({ requirement: key, neededBy: null }))],
  };
}

function infoOf({ info }: IndexedPackage): IndexedPackage['info'] {
  return info;
}

function oneBeforeOther(one: Providers<IndexedPackage>, other: Providers<IndexedPackage>): Providers<IndexedPackage> {
  return {
    find: (requirement) => one.find(requirement) ?? other.find(requirement),
    all: (requirement) => [...one.all(requirement), ...other.all(requirement)],
  };
}

function requirementIn(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement === undefined) throw invalidFile(`${JSON.stringify(text.slice(0, 100))} is neither a requirement (cmd:gcc >= 13) nor the name of a package file`);
  return requirement;
}

function reason({ package: { info }, requirement }: Unresolved<IndexedPackage>): UnresolvedRequirement {
  return { requirement: formatRequirement(requirement), neededBy: `${info.name}-${formatVersion(info.version)}` };
}

/** Those of a wanted package are its own. */
function unmetOf(unmet: readonly Requirement[], { wanted, roots }: { readonly wanted: readonly string[]; readonly roots: readonly IndexedPackage[] }): readonly UnresolvedRequirement[] {
  const texts = new Set(unmet.map(formatRequirement));
  const asked = wanted.filter((text) => !text.endsWith('.hpkg') && texts.has(formatRequirement(requirementIn(text))));
  const owned = roots.flatMap((item) => item.info.requires.filter((each) => texts.has(formatRequirement(each))).map((requirement) => reason({ package: item, requirement })));
  return [...asked.map((requirement) => ({ requirement, neededBy: null })), ...owned];
}

/** Packages of which only the names of their files are known. */
function indexOfNames(names: readonly string[]): BuildIndex {
  return { keys: new Set(names), packages: names.flatMap((key) => namedPackage(key) ?? []) };
}

const fileName = /^([^-/=!<>\s]{1,255})-([^/\s]{1,255})-[a-z0-9_]{1,20}\.hpkg$/;

function namedPackage(key: string): IndexedPackage | undefined {
  const [, name, text] = fileName.exec(key) ?? [];
  if (name === undefined || text === undefined || !isVersion(text)) return undefined;
  const version = parseVersion(text);
  return { key, info: { name, version, provides: [{ name, version, compatible: null }], requires: [] } };
}
