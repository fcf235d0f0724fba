import { LRUCache } from 'lru-cache';
import { mkdir } from 'node:fs/promises';
import { digestText, isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { checkDigest, checkEntryDraft } from '../cache/check-entry.js';
import { mainInstance, type CacheInstance } from '../cache/cache-instance.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import { MillraceError } from '../errors/millrace-error.js';
import { asStorageError } from '../errors/system-error.js';
import { sweepUnfinished } from '../object-storage/directory/unfinished-files.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { ArtifactCache, CacheUpkeep } from './artifact-cache.js';
import { inlineBytes, type CacheParts } from './cache-parts.js';
import { cacheSpace } from './cache-space.js';
import { cacheUpkeep } from './cache-upkeep.js';
import { findEntry, lookInto, unusableBlobs } from './find-entry.js';
import { readBlob, readBlobs } from './read-blob.js';
import { resumableUploads, type UploadLimits } from './resumable-uploads.js';
import type { StoreGuard } from './store-guard.js';
import { walkDirectories } from './walk-directories.js';
import { writeBlob, writeBlobs } from './write-blob.js';

export interface ArtifactCacheOptions {
  readonly record: CacheRecord;
  /** See `guardedStore`. */
  readonly store: ObjectStore;
  readonly guard?: Pick<StoreGuard, 'demand'>;
  /** Folder of unfinished uploads, made by the first of them; several processes may share it. On the file system of a directory store: what is whole is moved. */
  readonly spool: string;
  readonly instances: readonly CacheInstance[];
  readonly uploads?: UploadLimits;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface OpenArtifactCache extends ArtifactCache, CacheUpkeep {
  /** Gives up unfinished uploads; leaves record and store open. */
  close(): Promise<void>;
}

/** Bytes of objects that were read, verified and kept in memory. */
const readMemory = 32 * 1024 * 1024;

/** Connects to nothing yet. */
export function createArtifactCache({ record, store, guard, spool, instances, uploads: limits, now = Date.now }: ArtifactCacheOptions): OpenArtifactCache {
  const instance = instanceFinder(instances);
  const parts: CacheParts = { record, store, guard, instance, spool: spoolFolder(spool, { guard, now }), admit: cacheSpace(record, now) };
  const kept = new LRUCache<string, Buffer>({ maxSize: readMemory, sizeCalculation: (bytes) => bytes.length + 256 });
  const reads = { record, store, kept, unusable: unusableBlobs(), now };
  const uploads = resumableUploads(parts, now, limits);

  return {
    instances,
    instance,
    async findMissing(name, digests) {
      const wanted = new Map<string, CacheDigest>();
      for (const digest of digests) {
        checkDigest(digest);
        if (!isEmptyBlob(digest)) wanted.set(digestText(digest), digest);
      }
      const { name: instanceName } = instance(name);
      if (wanted.size === 0) return [];
      const asked = [...wanted.values()];
      const present = await record.present(instanceName, asked);
      return asked.filter((_, index) => present[index] !== true);
    },
    readBlob: async (name, digest, options = {}) => readBlob(reads, { instance: instance(name).name, digest, options }),
    readBlobs: async (name, digests, options = {}) => readBlobs(reads, { instance: instance(name).name, digests, options }),
    writeBlob: (name, digest, content, push) => writeBlob(parts, { instance: name, digest, content, push }),
    writeBlobs: (name, blobs, push) => writeBlobs(parts, { instance: name, blobs, push }),
    uploads,
    findEntry: async (name, options) => findEntry(reads, { ...name, instance: instance(name.instance).name }, options),
    async putEntry(draft, { by, signal }) {
      const into = instance(draft.instance);
      checkEntryDraft(draft);
      await parts.admit(into, 0);
      const entry = await record.putEntry({ ...draft, instance: into.name, references: draft.references.filter(({ digest }) => !isEmptyBlob(digest)) }, by);
      await lookInto(reads, entry, signal === undefined ? {} : { signal });
      return entry;
    },
    async removeEntry(name, { by }) {
      return record.removeEntry({ ...name, instance: instance(name.instance).name }, by, 'removed');
    },
    async *walkDirectories(name, root, options = {}) {
      checkDigest(root);
      const { name: instanceName } = instance(name);
      yield* walkDirectories(root, (digests) => readBlobs(reads, { instance: instanceName, digests, options }), options);
    },
    ...cacheUpkeep(parts, now),
    async close() {
      await uploads.close();
      kept.clear();
    },
  };
}

function instanceFinder(instances: readonly CacheInstance[]): (name: string) => CacheInstance {
  const byName = new Map(instances.map((instance) => [instance.name, instance]));
  return (name) => {
    const found = byName.get(name === '' ? mainInstance : name);
    if (found === undefined) throw new MillraceError('invalid-request', `there is no cache instance ${JSON.stringify(name.slice(0, 200))}`, { suggestion: 'The file that MILLRACE_CACHE names says which instances there are.' });
    return found;
  };
}

/** Made where it is not there, also when somebody has removed it; swept of what dead processes left, by the first upload. */
function spoolFolder(folder: string, { guard, now }: Pick<CacheParts, 'guard'> & { readonly now: () => number }): CacheParts['spool'] {
  let swept: Promise<number> | undefined;
  return async (bytes) => {
    if (bytes > inlineBytes) await guard?.demand();
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await (swept ??= sweepUnfinished(folder, now()));
      return folder;
    } catch (error) {
      swept = undefined;
      throw asStorageError(error, folder);
    }
  };
}
