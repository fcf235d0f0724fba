import { Context } from '@temporalio/activity';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { CacheUpkeep } from '../../libs/cache-engine/artifact-cache.js';
import type { CacheInstance } from '../../libs/cache/cache-instance.js';
import type { ArtifactCacheActivities, CacheAlarm, EvictionCounts, EvictionOrder } from '../../workflows/artifact-cache/artifact-cache-activities.js';
import { asComposeFailure } from '../compose/compose-activity-failure.js';
import { performed as withHeartbeat } from '../performed.js';
import type { CacheUpkeepMetrics } from './cache-upkeep-metrics.js';

export interface ArtifactCacheActivityOptions {
  readonly cache: CacheUpkeep & {
    /** Errors: `invalid-request` for one that the settings do not have. */
    instance(name: string): CacheInstance;
  };
  /** Makes an alarm part of the record. */
  readonly recordAlarm: (instance: string, alarm: CacheAlarm) => Promise<void>;
  readonly metrics?: CacheUpkeepMetrics;
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
export function createArtifactCacheActivities({ cache, recordAlarm, metrics, now = () => performance.now() }: ArtifactCacheActivityOptions): ArtifactCacheActivities {
  async function evict(instance: string, { to, dryRun, by, reason }: EvictionOrder, signal: AbortSignal): Promise<EvictionCounts> {
    const { quota } = cache.instance(instance);
    const toBytes = to === 'age' ? {} : { toBytes: to === 'quota' ? quota.low : to };
    const end = now() + longestStep;
    let sum: EvictionCounts = { entries: 0, blobs: 0, bytes: 0, more: true };
    do {
      const step = await cache.evict(instance, { reason, dryRun, by, signal, ...toBytes });
      sum = { entries: sum.entries + step.entries, blobs: sum.blobs + step.blobs, bytes: sum.bytes + step.bytes, more: step.more && !dryRun };
      if (!dryRun) metrics?.evicted(instance, reason, step);
    } while (sum.more && now() < end);
    return sum;
  }

  return {
    lookAtCache: (name) =>
      performed(async () => {
        const { quota, limit, maximumAge, evictionPaused, verifiedHourly = 0 } = cache.instance(name);
        const usage = await cache.usage(name);
        metrics?.usage(name, usage);
        return { usage, high: quota.high, limit, ages: maximumAge !== undefined, paused: evictionPaused, verifiedHourly };
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
        metrics?.collected(name, collected);
        return collected;
      }),
    verifyCache: (name, { after, bytes }) =>
      performed(async (signal) => {
        const verified = await cache.verify(name, { bytes, signal, ...(after === null ? {} : { after }) });
        metrics?.verified(name, verified);
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
