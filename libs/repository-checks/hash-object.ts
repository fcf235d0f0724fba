import { createHash } from 'node:crypto';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';

export interface HashedObject {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
}

/** Reads all bytes of an object; undefined when there is none. Errors: those of the store. */
export async function hashObject(store: ObjectStore, key: string, { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void }): Promise<HashedObject | undefined> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of (await store.get(key, { signal })).content as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      onBytes?.(chunk.length);
    }
  } catch (error) {
    if (isMillraceError(error) && error.code === 'blob-not-found') return undefined;
    throw error;
  }
  return { sha256: hash.digest('hex'), size };
}
