import type { ComposeRequest } from './compose-request.js';
import type { ComposeState } from './compose-vocabulary.js';

/** One compose as the record has it. Times are RFC 3339 with milliseconds, in UTC. */
export interface Compose {
  /** From 1. */
  readonly id: number;
  readonly owner: string;
  readonly request: ComposeRequest;
  readonly state: ComposeState;
  readonly stateReason: string | null;
  readonly submittedAt: string;
  readonly startedAt: string | null;
  /** Only where generation succeeded. */
  readonly doneAt: string | null;
  /** Until the end of generation counted from the submission, then from that end. */
  readonly expiresAt: string;
  readonly removedAt: string | null;
  readonly removedBy: string | null;
  /** The compose whose files this one has; null: its own. */
  readonly reusedId: number | null;
  /** Of the sources when they were pinned: a Koji event, or the revision of a repository where that is a number. */
  readonly kojiEvent: number | null;
  readonly pungiComposeId: string | null;
  /** Lower-case hex SHA-256 of the plan; null while there is none. */
  readonly plan: string | null;
  /** From 1 among those that wait; null for the others. */
  readonly queuePosition: number | null;
  /** Position of its last event in the stream `compose:<id>`; an entity tag is made from it. */
  readonly version: number;
}

export const composeStreamId = (id: number): string => `compose:${id}`;

/** Whose directory the files are in. */
export function treeOf({ id, reusedId }: Pick<Compose, 'id' | 'reusedId'>): number {
  return reusedId ?? id;
}
