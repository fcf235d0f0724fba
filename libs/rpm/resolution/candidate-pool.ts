import type { AvailablePackage } from '../repository/available-package.js';
import { compareVersions } from '../version.js';
import { isSourceArchitecture, type TreeArchitectures } from './architectures.js';

/** A package that may go into the tree, or that satisfies dependencies from a lookaside repository. */
export interface Candidate {
  readonly package: AvailablePackage;
  /** Its place in the pool. */
  readonly index: number;
  readonly lookaside: boolean;
  /** Of the tree's other word size. */
  readonly secondary: boolean;
  /** Position among the architectures, best first. */
  readonly archRank: number;
}

/**
 * Binary packages of the tree's architectures that are wanted here, in one order whatever the order of the input: shortest name first, then by name, newest first,
 * best architecture first, earlier repositories first.
 */
export function createCandidatePool(
  packages: readonly AvailablePackage[],
  lookaside: readonly AvailablePackage[],
  architectures: TreeArchitectures,
  isWanted: (available: AvailablePackage) => boolean,
): readonly Candidate[] {
  const ranks = new Map([...architectures.native, ...architectures.secondary].map((arch, rank) => [arch, rank]));
  const from = (list: readonly AvailablePackage[], isLookaside: boolean): Omit<Candidate, 'index'>[] =>
    list.flatMap((available) => {
      const archRank = ranks.get(available.arch);
      if (archRank === undefined || isSourceArchitecture(available.arch) || !isWanted(available)) return [];
      return [{ package: available, lookaside: isLookaside, secondary: archRank >= architectures.native.length, archRank }];
    });
  const all = [...from(packages, false), ...from(lookaside, true)].sort(byPreference);
  return all.map((candidate, index) => ({ ...candidate, index }));
}

function byPreference(left: Omit<Candidate, 'index'>, right: Omit<Candidate, 'index'>): number {
  const [one, other] = [left.package, right.package];
  return (
    one.name.length - other.name.length ||
    compareTexts(one.name, other.name) ||
    compareVersions(other, one) ||
    left.archRank - right.archRank ||
    Number(left.lookaside) - Number(right.lookaside) ||
    comparePlaces(one, other)
  );
}

/** Earlier repositories first; what is left is the same package twice. */
export function comparePlaces(left: AvailablePackage, right: AvailablePackage): number {
  return left.repository - right.repository || compareTexts(left.location, right.location) || compareTexts(left.checksum.hex, right.checksum.hex);
}

export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
