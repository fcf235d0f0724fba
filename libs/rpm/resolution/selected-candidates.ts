import type { Candidate } from './candidate-pool.js';

export interface SelectedCandidates {
  /** In the order in which they were selected. */
  readonly list: readonly Candidate[];
  /** Selected, or of a lookaside repository. */
  isPresent(this: void, candidate: Candidate): boolean;
  /** Whether the same package, of another repository, is selected. */
  hasTwinOf(this: void, candidate: Candidate): boolean;
  /** Does nothing when the same package, of whichever repository, is selected. */
  add(candidate: Candidate): void;
}

export function createSelectedCandidates(): SelectedCandidates {
  const list: Candidate[] = [];
  // By their places in the pool: asked millions of times.
  const selected: boolean[] = [];
  const twins: boolean[] = [];
  const isSelected = (candidate: Candidate): boolean => selected[candidate.index] === true;
  return {
    list,
    isPresent: (candidate) => candidate.lookaside || isSelected(candidate),
    hasTwinOf: (candidate) => twins[candidate.twin] === true && !isSelected(candidate),
    add: (candidate) => {
      if (twins[candidate.twin] === true) return;
      twins[candidate.twin] = true;
      selected[candidate.index] = true;
      list.push(candidate);
    },
  };
}
