import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readSmallObject } from '../object-storage/read-small-object.js';
import { stateFolder } from './engine-options.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { IndexFile, PlannedState } from '../repository/repository-change.js';

const fileSchema = z.object({ path: z.string(), sha256: z.string(), size: z.number() });
const preparedSchema = z.object({
  plan: z.string(),
  index: z.array(fileSchema),
  switched: z.array(fileSchema.extend({ contentType: z.string() })),
});

/** What an index of a state consists of, beside the copies of its switched files: whoever switches it may be another process than the one that has written it. */
export interface PreparedState {
  /** Of `planIdentity`. */
  readonly plan: string;
  readonly index: readonly IndexFile[];
  /** In their order; the last decides. */
  readonly switched: readonly SwitchedFile[];
}

export interface SwitchedFile extends IndexFile {
  readonly contentType: string;
}

/** Bytes; the index files of a deb repository with many architectures are some hundreds. */
const largestNote = 16 * 1024 * 1024;

const noteKey = (state: number): string => `${stateFolder(state)}.prepared.json`;

/** Distinguishes two plans of the same number: one of them was abandoned. */
export function planIdentity({ repository, state, before, changes, at }: PlannedState): string {
  return createHash('sha256').update(JSON.stringify([repository, state, before, changes, at])).digest('hex');
}

/** Undefined when there is none that can be read. */
export async function readPreparedState(store: ObjectStore, state: number, signal: AbortSignal): Promise<PreparedState | undefined> {
  const bytes = await readSmallObject(store, noteKey(state), { limit: largestNote, signal });
  if (bytes === undefined) return undefined;
  try {
    return preparedSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined; // written anew
  }
}

export async function writePreparedState(store: ObjectStore, state: number, { prepared, signal }: { readonly prepared: PreparedState; readonly signal: AbortSignal }): Promise<void> {
  await store.put(noteKey(state), Buffer.from(JSON.stringify(prepared)), { contentType: 'application/json', signal });
}
