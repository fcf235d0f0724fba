import type { PackageInfo, Requirement } from '../package/package-info.js';
import { formatRequirement, type Providers, type Unresolved } from './resolve-packages.js';

type Resolvable = Pick<PackageInfo, 'requires'>;

export interface Choice<Package> {
  /** All that meets what is wanted, with what that needs, each once, in the order in which they were found. */
  readonly packages: readonly Package[];
  /** Wanted, and met by nothing that itself can be had. */
  readonly unmet: readonly Requirement[];
  /** Why: requirements of packages that would have done, the innermost first. */
  readonly reasons: readonly Unresolved<Package>[];
}

/** A requirement of anybody, with all that would meet it. */
interface Need<Package> {
  readonly requirement: Requirement;
  /** The best first. */
  readonly offers: readonly Package[];
  /** Offers that can be had as far as is known. */
  left: number;
}

/**
 * What a build takes in. As HaikuPorter resolves: a package with a requirement that nothing meets provides nothing, and another one that provides the same is taken in its place, again and
 * again. That what cannot be had is found first, from the inside out, so that nothing begins again from the start; the result is the same.
 */
export function chooseProviders<Package>(wanted: readonly Requirement[], providers: Providers<Package>, infoOf: (item: Package) => Resolvable): Choice<Package> {
  const needs = new Map<string, Need<Package>>();
  const needsOf = new Map<Package, readonly Need<Package>[]>();

  function needFor(requirement: Requirement): Need<Package> {
    const text = formatRequirement(requirement);
    const known = needs.get(text);
    if (known !== undefined) return known;
    const offers = providers.all(requirement);
    const need = { requirement, offers, left: offers.length };
    needs.set(text, need);
    return need;
  }

  const first = wanted.map(needFor);
  // A map grows while it is walked through.
  for (const { offers } of needs.values()) {
    for (const item of offers) if (!needsOf.has(item)) needsOf.set(item, infoOf(item).requires.map(needFor));
  }
  const { lost, reasons } = findLost(needs.values(), needsOf);
  const unmet = first.filter(({ left }) => left === 0);
  return { packages: closure(first, { needsOf, lost }), unmet: unmet.map(({ requirement }) => requirement), reasons: reasonsFor(unmet, { needsOf, reasons }) };
}

/** Packages that cannot be had, each with the requirement that shows it. */
function findLost<Package>(needs: Iterable<Need<Package>>, needsOf: ReadonlyMap<Package, readonly Need<Package>[]>): { readonly lost: ReadonlySet<Package>; readonly reasons: readonly Unresolved<Package>[] } {
  const all = [...needs];
  const [ownersOf, offeredTo] = [new Map<Need<Package>, Package[]>(), new Map<Package, Need<Package>[]>()];
  for (const need of all) for (const item of need.offers) push(offeredTo, item, need);
  for (const [item, own] of needsOf) for (const need of new Set(own)) push(ownersOf, need, item);
  const lost = new Set<Package>();
  const reasons: Unresolved<Package>[] = [];
  const dead = all.filter(({ left }) => left === 0);
  for (const need of dead) {
    for (const item of ownersOf.get(need) ?? []) {
      if (lost.has(item)) continue;
      lost.add(item);
      reasons.push({ package: item, requirement: need.requirement });
      for (const other of offeredTo.get(item) ?? []) if ((other.left -= 1) === 0) dead.push(other);
    }
  }
  return { lost, reasons };
}

function closure<Package>(first: readonly Need<Package>[], { needsOf, lost }: { readonly needsOf: ReadonlyMap<Package, readonly Need<Package>[]>; readonly lost: ReadonlySet<Package> }): readonly Package[] {
  const chosen = new Set<Package>();
  const take = ({ offers }: Need<Package>): void => {
    const offer = offers.find((item) => !lost.has(item));
    if (offer !== undefined) chosen.add(offer);
  };
  first.forEach(take);
  for (const item of chosen) (needsOf.get(item) ?? []).forEach(take);
  return [...chosen];
}

/** Only what stands in the way of what is wanted: a bad package that something else replaces is no reason. */
function reasonsFor<Package>(unmet: readonly Need<Package>[], { needsOf, reasons }: { readonly needsOf: ReadonlyMap<Package, readonly Need<Package>[]>; readonly reasons: readonly Unresolved<Package>[] }): readonly Unresolved<Package>[] {
  const blamed = new Set<Package>(unmet.flatMap(({ offers }) => offers));
  for (const item of blamed) for (const { offers, left } of needsOf.get(item) ?? []) if (left === 0) for (const offer of offers) blamed.add(offer);
  return reasons.filter(({ package: item }) => blamed.has(item));
}

function push<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
