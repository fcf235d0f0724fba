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
  const selected = new Set<Candidate>();
  const twins = new Set<number>();
  return {
    list,
    isPresent: (candidate) => candidate.lookaside || selected.has(candidate),
    hasTwinOf: (candidate) => twins.has(candidate.twin) && !selected.has(candidate),
    add: (candidate) => {
      if (twins.has(candidate.twin)) return;
      twins.add(candidate.twin);
      selected.add(candidate);
      list.push(candidate);
    },
  };
}
