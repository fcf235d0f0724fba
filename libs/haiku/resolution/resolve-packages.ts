import { MillraceError } from '../../errors/millrace-error.js';
import { compareVersions, formatVersion } from '../package/version.js';
import type { PackageInfo, Provided, Requirement } from '../package/package-info.js';
import { matches } from './matches.js';

/** What is there, by what it provides. */
export interface Providers<Package> {
  /** The best of those that meet it: the package of that very name, then the highest version; undefined: none does. */
  find(requirement: Requirement): Package | undefined;
  /** All that meet it, each once, the best first. */
  all(requirement: Requirement): readonly Package[];
}

export interface Unresolved<Package> {
  readonly package: Package;
  readonly requirement: Requirement;
}

export interface Resolution<Package> {
  /** The wanted packages and all that they need, each once, in the order in which they were found. */
  readonly packages: readonly Package[];
  readonly unresolved: readonly Unresolved<Package>[];
}

interface Offer<Package> {
  readonly package: Package;
  readonly provided: Provided;
}

/** Offers that are compared with requirements: a farm with all that there is for Haiku has some hundred thousand of such pairs. Whoever may publish could have billions. */
const mostComparisons = 3_000_000;

/** Errors of what it finds: `unresolvable` when that takes too many comparisons, in sum. */
export function indexProviders<Package>(packages: Iterable<Package>, infoOf: (item: Package) => Pick<PackageInfo, 'name' | 'version' | 'provides'>): Providers<Package> {
  const offers = new Map<string, Offer<Package>[]>();
  for (const item of packages) {
    for (const provided of infoOf(item).provides) {
      const same = offers.get(provided.name);
      if (same === undefined) offers.set(provided.name, [{ package: item, provided }]);
      else same.push({ package: item, provided });
    }
  }
  let left = mostComparisons;
  function meeting(requirement: Requirement): Offer<Package>[] {
    const same = offers.get(requirement.name) ?? [];
    if ((left -= same.length + 1) < 0) throw new MillraceError('unresolvable', `what the packages need is too entangled to be resolved: more than ${mostComparisons} comparisons, the last of ${same.length} that provide ${requirement.name}`, { suggestion: 'Ask for less, or remove packages that provide what hundreds of others do.' });
    return same.filter(({ provided }) => matches(requirement, provided));
  }
  return {
    all: (requirement) => [...new Set(meeting(requirement).sort((one, other) => (isBetter(one, other, requirement, infoOf) ? -1 : 1)).map((offer) => offer.package))],
    find(requirement) {
      const good = meeting(requirement);
      return good.reduce<Offer<Package> | undefined>((best, offer) => (best === undefined || isBetter(offer, best, requirement, infoOf) ? offer : best), undefined)?.package;
    },
  };
}

function isBetter<Package>(offer: Offer<Package>, than: Offer<Package>, { name }: Requirement, infoOf: (item: Package) => Pick<PackageInfo, 'name' | 'version'>): boolean {
  const [one, other] = [infoOf(offer.package), infoOf(than.package)];
  if ((one.name === name) !== (other.name === name)) return one.name === name;
  const [left, right] = [offer.provided.version, than.provided.version];
  if (left !== null && right !== null && compareVersions(left, right) !== 0) return compareVersions(left, right) > 0;
  if (one.name !== other.name) return one.name < other.name;
  return compareVersions(one.version, other.version) > 0;
}

/** What a build takes in: the wanted packages with everything that they require, again and again. */
export function resolvePackages<Package>(wanted: Iterable<Package>, providers: Providers<Package>, infoOf: (item: Package) => Pick<PackageInfo, 'requires'>): Resolution<Package> {
  const packages = new Set(wanted);
  const unresolved: Unresolved<Package>[] = [];
  // A set grows while it is walked through.
  for (const item of packages) {
    for (const requirement of infoOf(item).requires) {
      const provider = providers.find(requirement);
      if (provider === undefined) unresolved.push({ package: item, requirement });
      else packages.add(provider);
    }
  }
  return { packages: [...packages], unresolved };
}

/** `haiku >= r1~beta5` */
export function formatRequirement({ name, version }: Requirement): string {
  return version === null ? name : `${name} ${version.operator} ${formatVersion(version.than)}`;
}
