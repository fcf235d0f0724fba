import { Context } from '@temporalio/activity';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { CacheUpkeep } from '../../libs/cache-engine/artifact-cache.js';
import type { CacheInstance } from '../../libs/cache/cache-instance.js';
import type { ArtifactCacheActivities, CacheAlarm, EvictionCounts, EvictionOrder } from '../../workflows/artifact-cache/artifact-cache-activities.js';
import { asComposeFailure } from '../compose/compose-activity-failure.js';
import { performed as withHeartbeat } from '../performed.js';

export interface ArtifactCacheActivityOptions {
  readonly cache: CacheUpkeep & {
    /** Errors: `invalid-request` for one that the settings do not have. */
    instance(name: string): CacheInstance;
  };
  /** Makes an alarm part of the record. */
  readonly recordAlarm: (instance: string, alarm: CacheAlarm) => Promise<void>;
  /** Milliseconds by a clock that only goes on. */
  readonly now?: () => number;
}

/** Milliseconds after which an eviction or a collection says how far it has come. */
const longestStep = 20_000;

const performed = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
  withHeartbeat(async () => {
    const { cancellationSignal: signal, cancelled } = Context.current();
    try {
      return await work(signal);
    } catch (error) {
      // As the SDK wants to be told.
      if (signal.aborted && !isMillraceError(error)) return await cancelled;
      throw error;
    }
  }, asComposeFailure);

/** The activities of the cache's workflow. All may be repeated: what is gone is gone. */
export function createArtifactCacheActivities({ cache, recordAlarm, now = () => performance.now() }: ArtifactCacheActivityOptions): ArtifactCacheActivities {
  async function evict(instance: string, { to, dryRun, by, reason }: EvictionOrder, signal: AbortSignal): Promise<EvictionCounts> {
    const { quota } = cache.instance(instance);
    const toBytes = to === 'age' ? {} : { toBytes: to === 'quota' ? sharedQuota(quota.low, await cache.size(instance)) : to };
    const end = now() + longestStep;
    let sum: EvictionCounts = { entries: 0, blobs: 0, bytes: 0, more: true };
    do {
      const step = await cache.evict(instance, { reason, dryRun, by, signal, ...toBytes });
      sum = { entries: sum.entries + step.entries, blobs: sum.blobs + step.blobs, bytes: sum.bytes + step.bytes, more: step.more && !dryRun };
    } while (sum.more && now() < end);
    return sum;
  }

  return {
    lookAtCache: (name) =>
      performed(async () => {
        const { quota, limit, maximumAge, evictionPaused, verifiedHourly = 0 } = cache.instance(name);
        const { exported, ...usage } = await cache.usage(name);
        // What it has again as an OSTree repository needs its room as well.
        return { usage: { ...usage, bytes: usage.bytes + exported }, high: quota.high, limit, ages: maximumAge !== undefined, paused: evictionPaused, verifiedHourly };
      }),
    evictFromCache: (name, order) => performed((signal) => evict(name, order, signal)),
    collectCacheGarbage: (name) =>
      performed(async (signal) => {
        const end = now() + longestStep;
        let collected = 0;
        for (let more = true; more && now() < end; ) {
          const step = await cache.collectGarbage(name, { signal });
          collected += step.objects;
          more = step.more;
        }
        return collected;
      }),
    verifyCache: (name, { after, bytes }) =>
      performed(async (signal) => {
        const verified = await cache.verify(name, { bytes, signal, ...(after === null ? {} : { after }) });
        return { checked: verified.checked, bytes: verified.bytes, lost: verified.lost.length, after: verified.after ?? null };
      }),
    tellCacheAlarm: (name, alarm) =>
      performed(async () => {
        const { quota } = cache.instance(name);
        await recordAlarm(name, alarm);
        const { log } = Context.current();
        if (alarm.state === 'raised') log.warn('an artifact cache is over its quota, and what is in it is in use or its eviction is paused', { instance: name, bytes: alarm.bytes, high: quota.high, limit: alarm.limit });
        else log.info('an artifact cache is within its quota again', { instance: name, bytes: alarm.bytes, high: quota.high });
      }),
  };
}

/** What is exported goes with the entries that it is of: blobs alone have to become fewer in the same measure. */
function sharedQuota(low: number, { bytes, exported }: { readonly bytes: number; readonly exported: number }): number {
  return exported === 0 ? low : Math.floor((low * bytes) / (bytes + exported));
}
