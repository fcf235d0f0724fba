import { createHash } from 'node:crypto';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from './object-store.js';

export interface HashedObject {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of `algorithm`, when it is another one. */
  readonly digest: string;
  readonly size: number;
}

export interface HashOptions {
  readonly signal: AbortSignal;
  /** Of node:crypto; besides SHA-256. */
  readonly algorithm?: string;
  readonly onBytes?: (bytes: number) => void;
}

/** Reads all bytes of an object; undefined when there is none. Errors: those of the store. */
export async function hashObject(store: Pick<ObjectStore, 'get'>, key: string, { signal, algorithm = 'sha256', onBytes }: HashOptions): Promise<HashedObject | undefined> {
  const hash = createHash('sha256');
  const other = algorithm === 'sha256' ? undefined : createHash(algorithm);
  let size = 0;
  try {
    for await (const chunk of (await store.get(key, { signal })).content as AsyncIterable<Buffer>) {
      hash.update(chunk);
      other?.update(chunk);
      size += chunk.length;
      onBytes?.(chunk.length);
    }
  } catch (error) {
    if (isMillraceError(error) && error.code === 'blob-not-found') return undefined;
    throw error;
  }
  const sha256 = hash.digest('hex');
  return { sha256, digest: other?.digest('hex') ?? sha256, size };
}
