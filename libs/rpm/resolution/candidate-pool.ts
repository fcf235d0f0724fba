import type { AvailablePackage } from '../repository/available-package.js';
import { compareVersions } from '../version.js';
import { isSourceArchitecture, type TreeArchitectures } from './architectures.js';

/** A package that may go into the tree, or that satisfies dependencies from a lookaside repository. */
export interface Candidate {
  readonly package: AvailablePackage;
  /** Its place in the pool. */
  readonly index: number;
  /** Place of the first that has the same name, version and architecture: only one of them can be in a tree. */
  readonly twin: number;
  readonly lookaside: boolean;
  /** Of the tree's other word size. */
  readonly secondary: boolean;
  /** Position among the architectures, best first. */
  readonly archRank: number;
}

type Unplaced = Omit<Candidate, 'index' | 'twin'>;

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
  const from = (list: readonly AvailablePackage[], isLookaside: boolean): Unplaced[] =>
    list.flatMap((available) => {
      const archRank = ranks.get(available.arch);
      if (archRank === undefined || isSourceArchitecture(available.arch) || !isWanted(available)) return [];
      return [{ package: available, lookaside: isLookaside, secondary: archRank >= architectures.native.length, archRank }];
    });
  const all = [...from(packages, false), ...from(lookaside, true)].sort(byPreference);
  let twin = 0;
  return all.map((candidate, index) => {
    if (index > 0 && !areTwins(all[twin] as Unplaced, candidate)) twin = index;
    return { ...candidate, index, twin };
  });
}

function areTwins({ package: one }: Unplaced, { package: other }: Unplaced): boolean {
  return one.name === other.name && one.arch === other.arch && one.epoch === other.epoch && one.version === other.version && one.release === other.release;
}

function byPreference(left: Unplaced, right: Unplaced): number {
  const [one, other] = [left.package, right.package];
  return (
    one.name.length - other.name.length ||
    compareTexts(one.name, other.name) ||
    compareVersions(other, one) ||
    left.archRank - right.archRank ||
    // Versions that are equal need not be the same: 1.0 and 1.00.
    compareTexts(one.version, other.version) ||
    compareTexts(one.release, other.release) ||
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
