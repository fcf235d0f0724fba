import type { CacheInstance } from '../cache/cache-instance.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { CacheRecord } from '../cache-record/cache-record.js';

interface KnownUsage {
  bytes: number;
  readonly at: number;
}

/** Milliseconds for which the usage is taken as known; what this process lets in meanwhile is added. */
const knownFor = 5000;
/** The same of what an instance has as an OSTree repository: each object is looked at. */
const exportsKnownFor = 60_000;

/** Whether a push still has room. The record is asked now and then, never for each push. Errors of the function: `cache-full`, `database-unavailable`. */
export function cacheSpace(record: Pick<CacheRecord, 'usedBytes' | 'exportedBytes'>, now: () => number): (instance: CacheInstance, bytes: number) => Promise<void> {
  const known = new Map<string, KnownUsage>();
  const exported = new Map<string, KnownUsage>();
  const asking = new Map<string, Promise<KnownUsage>>();

  async function exportedBytes(name: string): Promise<number> {
    const last = exported.get(name);
    if (last !== undefined && now() - last.at <= exportsKnownFor) return last.bytes;
    const bytes = await record.exportedBytes(name);
    exported.set(name, { bytes, at: now() });
    return bytes;
  }

  function ask(name: string): Promise<KnownUsage> {
    const underWay = asking.get(name);
    if (underWay !== undefined) return underWay;
    const asked = Promise.all([record.usedBytes(name), exportedBytes(name)])
      .then(([bytes, exportedNow]) => {
        const usage = { bytes: bytes + exportedNow, at: now() };
        known.set(name, usage);
        return usage;
      })
      .finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  }

  return async (instance, bytes) => {
    const last = known.get(instance.name);
    const usage = last === undefined || now() - last.at > knownFor ? await ask(instance.name) : last;
    if (usage.bytes + bytes > instance.limit) {
      throw new MillraceError('cache-full', `the cache ${instance.name} has ${usage.bytes} bytes and takes no more than ${instance.limit}`, {
        suggestion: 'Push again when eviction has made room; if it cannot, raise the quota of this cache, or shorten its lease.',
      });
    }
    usage.bytes += bytes;
  };
}
