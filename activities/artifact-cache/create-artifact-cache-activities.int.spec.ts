import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { engineScene, push, randomBlob, write } from '../../libs/cache-engine/__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from '../../libs/cache-engine/create-artifact-cache.js';
import { createArtifactCacheActivities } from './create-artifact-cache-activities.js';
import { cacheUpkeepMetrics } from './cache-upkeep-metrics.js';
import type { ArtifactCacheActivities } from '../../workflows/artifact-cache/artifact-cache-activities.js';

const scene = engineScene();
const registry = new Registry();
const metrics = cacheUpkeepMetrics(registry);

/** As a worker runs them. */
function activities(cache: OpenArtifactCache): ArtifactCacheActivities {
  const made = createArtifactCacheActivities({ cache, recordAlarm: (instance, alarm) => scene.record().recordAlarm(instance, alarm), metrics });
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return Object.fromEntries(Object.entries(made).map(([name, activity]) => [name, (...given: unknown[]) => environment.run(activity as (...given: unknown[]) => Promise<unknown>, ...given)])) as unknown as ArtifactCacheActivities;
}

describe('the activities of a cache', () => {
  it('look at it, evict from it down to its lower quota, and delete what is left over', async () => {
    const instance = scene.instance({ quota: { high: 30_000, low: 20_000 }, limit: 90_000, lease: 60, verifiedHourly: 7 });
    const cache = scene.cache();
    const { lookAtCache, evictFromCache, collectCacheGarbage } = activities(cache);
    for (let each = 0; each < 5; each += 1) await write(cache, instance, await randomBlob(10_000));
    expect(await lookAtCache(instance)).toEqual({ usage: { bytes: 50_000, blobs: 5, entries: 0, kept: 50_000 }, high: 30_000, limit: 90_000, ages: false, paused: false, verifiedHourly: 7 });
    const order = { to: 'quota', dryRun: false, by: 'the quota', reason: 'quota' } as const;
    expect(await evictFromCache(instance, order)).toMatchObject({ blobs: 0, more: false });
    scene.pass(100);
    expect(await evictFromCache(instance, { ...order, dryRun: true })).toEqual({ entries: 0, blobs: 3, bytes: 30_000, more: false });
    expect(await evictFromCache(instance, order)).toEqual({ entries: 0, blobs: 3, bytes: 30_000, more: false });
    expect([await collectCacheGarbage(instance), scene.objects(instance).length]).toEqual([3, 2]);
    expect(await registry.metrics()).toContain(`millrace_cache_evicted_bytes_total{instance="${instance}",reason="quota"} 30000`);
  });

  it('take what is too old only where the settings say how old that is', async () => {
    const [ageless, ageing] = [scene.instance({ lease: 60 }), scene.instance({ lease: 60, maximumAge: 100 })];
    const cache = scene.cache();
    for (const instance of [ageless, ageing]) await cache.writeBlobs(instance, [await randomBlob(100)], push);
    scene.pass(200);
    const order = { to: 'age', dryRun: false, by: 'the maximum age', reason: 'age' } as const;
    expect(await activities(cache).evictFromCache(ageless, order)).toMatchObject({ blobs: 0 });
    expect(await activities(cache).evictFromCache(ageing, order)).toMatchObject({ blobs: 1 });
  });

  it('verify, and make an alarm part of the record', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    await write(cache, instance, await randomBlob(5000));
    expect(await activities(cache).verifyCache(instance, { after: null, bytes: 1_000_000 })).toEqual({ checked: 1, bytes: 5000, lost: 0, after: null });
    const alarm = { state: 'raised', bytes: 5, high: 4, limit: 6 } as const;
    await activities(cache).tellCacheAlarm(instance, alarm);
    expect(await scene.events(instance)).toEqual([{ type: 'CacheQuotaAlarm', data: alarm }]);
  });

  it('fail for good for an instance that the settings do not have, and may be tried again while the store is away', async () => {
    const instance = scene.instance();
    const gone = activities(scene.cache({ instances: [] }));
    await expect(gone.lookAtCache(instance)).rejects.toMatchObject({ type: 'invalid-request', nonRetryable: true });
    const cache = scene.cache({ store: { ...scene.store(), remove: () => Promise.reject(Object.assign(new Error('away'), { name: 'MillraceError', code: 'storage-unavailable' })) } });
    await expect(activities(cache).collectCacheGarbage(instance)).rejects.toMatchObject({ type: 'storage-unavailable', nonRetryable: false });
  });
});
