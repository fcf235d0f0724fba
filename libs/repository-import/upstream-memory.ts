import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { readSmallObject } from '../object-storage/read-small-object.js';
import type { ExistingRepository } from './existing-repository.js';

/** Beside the repository, as its reports: every worker reads the same, and no client does. */
const memoryKey = '.reports/upstream.json';
const largest = 64 * 1024;

const schema = z.object({ url: z.string(), serial: z.number() });

export interface UpstreamMemory {
  readonly store: ObjectStore;
  readonly url: string;
  /** Take the older index all the same, and begin anew with it. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * An old index is signed as well as a new one: whoever stands between could bring back, package by package, what the upstream has mended. So a mirror never goes back, as apt and
 * yum do not. Errors: `source-changed` (another attempt may meet a server that is up to date).
 */
export async function refuseOlderIndex({ serial }: Pick<ExistingRepository, 'serial'>, { store, url, force, signal }: UpstreamMemory): Promise<void> {
  const seen = await readSerial(store, url, signal);
  if (seen === undefined || force || (serial !== undefined && serial >= seen)) return;
  const what = serial === undefined ? 'does not say when it was made, and the last one did' : `is older than the last one that was read (${serial}, then ${seen})`;
  throw new MillraceError('source-changed', `the index at ${url} ${what}: nothing was changed`, { suggestion: 'The server is behind, or somebody answers with what is out of date. If the upstream has gone back itself, synchronise by force.' });
}

/** Once it is believed, before anything is taken. */
export async function rememberIndex({ serial }: Pick<ExistingRepository, 'serial'>, { store, url, signal }: UpstreamMemory): Promise<void> {
  if ((await readSerial(store, url, signal)) === serial) return;
  if (serial === undefined) return store.remove([memoryKey], { signal });
  await store.put(memoryKey, Buffer.from(`${JSON.stringify({ url, serial })}\n`), { contentType: 'application/json', signal });
}

/** Undefined: nothing is remembered of this upstream. */
async function readSerial(store: ObjectStore, url: string, signal: AbortSignal): Promise<number | undefined> {
  const bytes = await readSmallObject(store, memoryKey, { limit: largest, signal });
  const memory = bytes === undefined ? undefined : parseMemory(bytes.toString('utf8'));
  return memory?.url === url ? memory.serial : undefined;
}

function parseMemory(text: string): z.infer<typeof schema> | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined; // what somebody else has written there is nothing that was remembered
  }
}
