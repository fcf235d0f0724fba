import { dependenciesOverlap } from './dependency-overlap.js';
import type { Candidate } from './candidate-pool.js';
import type { WorkBudget } from './work-budget.js';

/** How good a candidate is, whoever asks for it. */
export interface CandidateStanding {
  /** There is a newer one of the same name for the same word size. */
  isSuperseded(candidate: Candidate): boolean;
  /** Another package, itself not superseded, replaces it. */
  isObsoleted(candidate: Candidate): boolean;
}

export type CandidatesByName = ReadonlyMap<string, readonly Candidate[]>;

/** Those of lookaside repositories are left out: they are never selected. */
export function groupByName(pool: readonly Candidate[]): CandidatesByName {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of pool) {
    if (candidate.lookaside) continue;
    const group = groups.get(candidate.package.name);
    if (group === undefined) groups.set(candidate.package.name, [candidate]);
    else group.push(candidate);
  }
  return groups;
}

export function createCandidateStanding(byName: CandidatesByName, budget: WorkBudget): CandidateStanding {
  const superseded = new Set<Candidate>();
  for (const group of byName.values()) {
    for (const secondary of [false, true]) {
      const same = group.filter((candidate) => candidate.secondary === secondary);
      const newest = same[0];
      if (newest !== undefined) for (const candidate of same) if (!sameVersion(candidate, newest)) superseded.add(candidate);
    }
  }
  let obsoleted: ReadonlySet<Candidate> | undefined;
  return {
    isSuperseded: (candidate) => superseded.has(candidate),
    isObsoleted: (candidate) => (obsoleted ??= findObsoleted(byName, superseded, budget)).has(candidate),
  };
}

/** As rpm does, by the names of packages and not by what they provide. */
function findObsoleted(byName: CandidatesByName, superseded: ReadonlySet<Candidate>, budget: WorkBudget): ReadonlySet<Candidate> {
  const obsoleted = new Set<Candidate>();
  for (const group of byName.values()) {
    for (const obsoleter of group) {
      if (superseded.has(obsoleter)) continue;
      for (const obsolete of obsoleter.package.dependencies.obsoletes) {
        const targets = obsolete.name === obsoleter.package.name ? [] : (byName.get(obsolete.name) ?? []);
        budget.spend(targets.length + 1);
        for (const target of targets) if (dependenciesOverlap(obsolete, asProvided(target))) obsoleted.add(target);
      }
    }
  }
  return obsoleted;
}

function asProvided({ package: { name, epoch, version, release } }: Candidate): Parameters<typeof dependenciesOverlap>[1] {
  return { name, comparison: 'EQ', version: { epoch, version, release } };
}

export function sameVersion(left: Candidate, right: Candidate): boolean {
  const [one, other] = [left.package, right.package];
  return one.epoch === other.epoch && one.version === other.version && one.release === other.release;
}
