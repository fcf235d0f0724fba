import type { ObjectStore } from '../object-storage/object-store.js';
import { hashObject } from '../object-storage/hash-object.js';

export interface WantedBytes {
  readonly sha256: string;
  readonly size: number;
  /** Where they may be besides the spool. */
  readonly obsoletePath: string;
}

/** A key below the place that has these very bytes: in `.obsolete/`, or an upload that is still in the spool. Every byte is read before it is believed. */
export async function findLostBytes(store: ObjectStore, { sha256, size, obsoletePath }: WantedBytes, signal: AbortSignal): Promise<string | undefined> {
  const candidates = [obsoletePath];
  for await (const { key, size: found } of store.list('.incoming/', { signal })) if (found === size) candidates.push(key);
  for (const key of candidates) if ((await hashObject(store, key, { signal }))?.sha256 === sha256) return key;
  return undefined;
}
