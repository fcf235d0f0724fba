import { digestText, type CacheDigest } from '../cache/cache-digest.js';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ObjectBody } from '../object-storage/object-store.js';
import type { Abortable, CacheUpkeep, EvictionStep } from './artifact-cache.js';
import { createBlobHash } from './blob-hash.js';
import type { CacheParts } from './cache-parts.js';

/** Rows of one step of eviction, objects of one deletion, blobs that are looked up at once for verifying, names of entries that went long ago. */
const evictedAtOnce = 1000;
const garbageAtOnce = 500;
const verifiedAtOnce = 100;
const forgottenAtOnce = 1000;
/** A dry run changes nothing, so it has to see all in one step. */
const evictedDry = 1_000_000_000;

const nothing: EvictionStep = { entries: 0, blobs: 0, bytes: 0, more: false };

export function cacheUpkeep({ record, store, guard, instance: instanceOf }: Pick<CacheParts, 'record' | 'store' | 'guard' | 'instance'>, now: () => number): CacheUpkeep {
  async function problemOf(digest: CacheDigest, object: string, options: Abortable): Promise<'missing' | 'corrupt' | undefined> {
    try {
      const body = await store.get(object, options);
      return body.size === digest.size && (await hashOfBody(digest, body)) === digest.hash ? undefined : 'corrupt';
    } catch (error) {
      if (isMillraceError(error) && error.code === 'blob-not-found') return 'missing';
      throw error;
    }
  }

  return {
    async evict(name, { reason, toBytes, dryRun, by, signal }) {
      const instance = instanceOf(name);
      signal?.throwIfAborted();
      if (toBytes === undefined && instance.maximumAge === undefined) return nothing;
      // An operator has to see to the store first: what is evicted now may be what builds have left.
      if (!dryRun) await guard?.demand();
      const unusedSince = toBytes === undefined ? new Date(now() - instance.maximumAge! * 1000).toISOString() : undefined;
      return record.evict(instance.name, { toBytes, unusedSince, limit: dryRun ? evictedDry : evictedAtOnce, dryRun, reason, by });
    },
    async collectGarbage(name, { signal } = {}) {
      const instance = instanceOf(name).name;
      const keys = await record.garbage(instance, garbageAtOnce);
      signal?.throwIfAborted();
      // First the objects, then their names: a crash in between deletes them again.
      await store.remove(keys, signal === undefined ? {} : { signal });
      await record.forgetGarbage(instance, keys);
      if (keys.length < garbageAtOnce) await record.forgetOldEntries(instance, forgottenAtOnce);
      return { objects: keys.length, more: keys.length === garbageAtOnce };
    },
    async verify(name, { after: begun, bytes, signal }) {
      const instance = instanceOf(name).name;
      const lost: string[] = [];
      let checked = 0;
      let read = 0;
      let after = begun;
      for (;;) {
        const blobs = await record.blobsAfter(instance, after, verifiedAtOnce);
        for (const { digest, place, cursor } of blobs) {
          if (read >= bytes) return { checked, bytes: read, lost, after };
          signal?.throwIfAborted();
          const problem = 'content' in place ? undefined : await problemOf(digest, place.object, signal === undefined ? {} : { signal });
          if (problem !== undefined && 'object' in place && (await isStillThere(instance, digest, place.object))) {
            await record.loseBlob(instance, digest, place.object, problem);
            lost.push(digestText(digest));
          }
          checked += 1;
          read += digest.size;
          after = cursor;
        }
        if (blobs.length < verifiedAtOnce) return { checked, bytes: read, lost, after: undefined };
      }
    },
    usage: (name) => record.usage(instanceOf(name).name),
    async size(name) {
      const instance = instanceOf(name).name;
      return { bytes: await record.usedBytes(instance), exported: await record.exportedBytes(instance) };
    },
  };

  /** Not evicted, nor written anew, while it was read. */
  async function isStillThere(instance: string, digest: CacheDigest, object: string): Promise<boolean> {
    const [place] = await record.locate(instance, [digest]);
    return place !== undefined && 'object' in place && place.object === object;
  }
}

async function hashOfBody(digest: CacheDigest, { content }: ObjectBody): Promise<string> {
  const hash = await createBlobHash(digest.function);
  for await (const chunk of content as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest();
}
