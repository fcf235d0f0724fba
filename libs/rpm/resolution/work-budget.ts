import { limitExceeded } from '../../inspection/refusal.js';

/** Counts what resolution does: hostile metadata can make it quadratic, and nothing that a distribution has comes near the limit. */
export interface WorkBudget {
  /** Throws when too much was done. */
  spend(steps: number): void;
}

/** A distribution of 50,000 packages takes some five million. */
export const workLimit = 15_000_000;

export function createWorkBudget(limit = workLimit): WorkBudget {
  let left = limit;
  return {
    spend: (steps) => {
      left -= steps;
      if (left < 0) throw limitExceeded(`the dependencies of the repositories are too entangled to be resolved: more than ${limit} steps; ask for fewer packages, or without dependencies (no_deps)`);
    },
  };
}
