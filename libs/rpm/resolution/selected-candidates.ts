import type { Candidate } from './candidate-pool.js';
import { packageLabel } from './dependency-text.js';

export interface SelectedCandidates {
  /** In the order in which they were selected. */
  readonly list: readonly Candidate[];
  /** Selected, or of a lookaside repository. */
  isPresent(this: void, candidate: Candidate): boolean;
  /** Does nothing when the same package, of whichever repository, is selected. */
  add(candidate: Candidate): void;
}

export function createSelectedCandidates(): SelectedCandidates {
  const list: Candidate[] = [];
  const selected = new Set<Candidate>();
  const labels = new Set<string>();
  return {
    list,
    isPresent: (candidate) => candidate.lookaside || selected.has(candidate),
    add: (candidate) => {
      if (selected.has(candidate)) return;
      const label = packageLabel(candidate.package);
      if (labels.has(label)) return;
      labels.add(label);
      selected.add(candidate);
      list.push(candidate);
    },
  };
}
