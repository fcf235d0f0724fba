import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createArtifactCacheWorkflowClient } from '../../temporal/artifact-cache-workflow-client.js';
import { startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { cacheScene, fails, high, low, playing, untilStatus, type CacheBehaviour, type CacheHandle, type CacheScene } from './__fixtures__/cache-scene.js';
import { artifactCacheStatusQuery, evictUpdate, pauseEvictionUpdate, resumeEvictionUpdate, verifyUpdate } from './artifact-cache-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

// The clock of the server is fast, and a busy machine slow.
jest.setTimeout(60_000);

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await environment?.teardown();
});

async function played<T>(behaviour: CacheBehaviour, work: (handle: CacheHandle, scene: CacheScene) => Promise<T>): Promise<{ readonly scene: CacheScene; readonly result: T }> {
  const scene = cacheScene(behaviour);
  return { scene, result: await playing(environment, scene, (handle) => work(handle, scene)) };
}

// No pause ends with the timer of a round, which is a minute long: what comes then would cancel a timer that has ended (see `startTimeSkipping`).
const until = (handle: CacheHandle, holds: Parameters<typeof untilStatus>[2]) => untilStatus(environment, handle, holds);

function codeOf(error: unknown): string {
  for (let at = error as { type?: string; cause?: unknown } | undefined; at !== undefined; at = at.cause as never) if (typeof at.type === 'string') return at.type;
  return `no code: ${String(error)}`;
}
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'succeeded', codeOf);

describe('the quota of a cache', () => {
  it('is kept by evicting down to its lower mark, in as many steps as it takes, and the garbage goes at once', async () => {
    const { scene, result } = await played({ bytes: 1500, stepBytes: 100 }, (handle) => until(handle, ({ lastEviction, phase }) => lastEviction !== undefined && phase === 'waiting'));
    expect(result).toMatchObject({ usage: { bytes: low }, alarm: false, lastEviction: { blobs: 70, bytes: 700, dryRun: false, by: 'the quota' } });
    expect(scene.orders[0]).toEqual({ to: 'quota', dryRun: false, by: 'the quota', reason: 'quota' });
    expect(scene.garbage).toBe(0);
  });

  it('lets everything be that is within it', async () => {
    const { scene } = await played({ bytes: high }, async (handle) => {
      await until(handle, ({ usage }) => usage !== undefined);
      await environment.sleep('200 seconds');
    });
    expect(scene.orders).toEqual([]);
    expect(scene.calls.filter((call) => call === 'look').length).toBeGreaterThanOrEqual(2);
  });

  it('raises an alarm once when what is there is in use, and takes it back', async () => {
    const { scene } = await played({ bytes: 1500, kept: 1400 }, async (handle, current) => {
      await until(handle, ({ alarm }) => alarm);
      await environment.sleep('140 seconds');
      current.kept = 0;
      await until(handle, ({ alarm }) => !alarm);
    });
    expect(scene.alarms).toEqual([
      { state: 'raised', bytes: 1400, high, limit: 1100 },
      { state: 'cleared', bytes: low, high, limit: 1100 },
    ]);
  });
});

describe('an operator', () => {
  it('pauses eviction, which then waits and raises the alarm, and resumes it', async () => {
    const { scene } = await played({}, async (handle, current) => {
      await handle.executeUpdate(pauseEvictionUpdate, { args: [{ by: 'ann' }] });
      current.bytes = 1500;
      await until(handle, ({ alarm, paused }) => alarm && paused);
      expect(current.orders).toEqual([]);
      await handle.executeUpdate(resumeEvictionUpdate, { args: [{ by: 'ann' }] });
      await until(handle, ({ alarm, usage }) => !alarm && usage?.bytes === low);
    });
    expect(scene.orders).toHaveLength(1);
  });

  it('resumes what the settings have paused', async () => {
    const { result } = await played({ bytes: 1500, view: { paused: true } }, async (handle) => {
      const paused = await until(handle, ({ alarm }) => alarm);
      await handle.executeUpdate(resumeEvictionUpdate, { args: [{ by: 'ann' }] });
      return [paused, await until(handle, ({ alarm }) => !alarm)];
    });
    expect(result.map(({ paused }) => paused)).toEqual([true, false]);
  });

  it('learns what an eviction would take, and nothing goes', async () => {
    const { scene, result } = await played({ bytes: 900 }, async (handle) => {
      const report = await handle.executeUpdate(evictUpdate, { args: [{ toBytes: 100, dryRun: true, by: 'ann' }] });
      return { report, status: await handle.query(artifactCacheStatusQuery) };
    });
    expect(result.report).toMatchObject({ bytes: 800, blobs: 80, dryRun: true, by: 'ann' });
    expect(result.status.lastEviction).toBeUndefined();
    expect([scene.bytes, scene.orders]).toEqual([900, [{ to: 100, dryRun: true, by: 'ann', reason: 'operator' }]]);
  });

  it('evicts to the lower quota without another word, also while eviction is paused', async () => {
    const { scene, result } = await played({ bytes: 950, view: { paused: true } }, (handle) => handle.executeUpdate(evictUpdate, { args: [{ dryRun: false, by: 'ann' }] }));
    expect([result.bytes, scene.bytes]).toEqual([150, low]);
  });

  it('has every blob verified, from the first to the last', async () => {
    const { scene, result } = await played({}, async (handle) => [await handle.executeUpdate(verifyUpdate, { args: [{ by: 'ann' }] }), await handle.query(artifactCacheStatusQuery)]);
    expect(result).toEqual([{ checked: 3, lost: 1 }, expect.objectContaining({ lastVerification: { checked: 3, lost: 1, at: expect.any(String) } })]);
    expect(scene.verified).toEqual([null, '1', '2']);
  });

  it('is told what was wrong with what they asked for', async () => {
    const before = (call: string): void => {
      if (call === 'evict') fails('storage-refused', true);
    };
    const { result } = await played({ bytes: 900, before }, async (handle) => [
      await failure(handle.executeUpdate(evictUpdate, { args: [{ toBytes: -1, dryRun: false, by: 'ann' }] })),
      await failure(handle.executeUpdate(evictUpdate, { args: [{ dryRun: false, by: '' }] })),
      await failure(handle.executeUpdate(pauseEvictionUpdate, { args: [{ by: 'a\nb' }] })),
      await failure(handle.executeUpdate(evictUpdate, { args: [{ dryRun: false, by: 'ann' }] })),
    ]);
    expect(result).toEqual(['invalid-request', 'invalid-request', 'invalid-request', 'storage-refused']);
  });
});

describe('the clock of a cache', () => {
  it('lets things go by their age only where the settings say so', async () => {
    const { scene } = await played({ bytes: 100, view: { ages: true } }, (handle) => until(handle, ({ lastEviction }) => lastEviction !== undefined));
    expect(scene.orders).toEqual([{ to: 'age', dryRun: false, by: 'the maximum age', reason: 'age' }]);
  });

  it('verifies by and by, and goes on where it was', async () => {
    const { scene } = await played({ view: { verifiedHourly: 60 } }, async (handle, current) => {
      await until(handle, ({ lastVerification }) => lastVerification !== undefined);
      while (current.verified.length < 2) await environment.sleep('70 seconds');
    });
    expect(scene.verified.slice(0, 2)).toEqual([null, '1']);
  });

  it('pays for a large blob by waiting, so that an hour reads what the settings say', async () => {
    const { scene } = await played({ view: { verifiedHourly: 60 }, blobBytes: 120 }, async (handle) => {
      await until(handle, ({ lastVerification }) => lastVerification !== undefined);
      await environment.sleep('430 seconds');
    });
    expect(scene.verified).toEqual([null]);
  });
});

describe('trouble', () => {
  it('is told while it lasts, and the next round goes on', async () => {
    let failures = 7;
    const before = (call: string): void => {
      if (call === 'look' && (failures -= 1) >= 0) fails('database-unavailable');
    };
    const { result } = await played({ bytes: 1500, before }, async (handle) => [await until(handle, ({ problem }) => problem !== undefined), await until(handle, ({ usage }) => usage?.bytes === low)]);
    expect(result.map(({ problem }) => problem)).toEqual(['database-unavailable says the scene', undefined]);
  });

  it('of one part does not keep the workflow from the others for longer than a minute', async () => {
    let broken = true;
    const before = (call: string): void => {
      if (call === 'collect' && broken) fails('storage-unavailable');
    };
    await played({ bytes: 1500, before }, async (handle) => {
      await until(handle, ({ problem, usage }) => problem !== undefined && usage?.bytes === low);
      broken = false;
      await until(handle, ({ problem }) => problem === undefined);
    });
  });
});

describe('the workflow of a cache', () => {
  it('completes when the settings have its instance no more', async () => {
    const { result } = await played({}, async (handle, current) => {
      await until(handle, ({ usage }) => usage !== undefined);
      current.removed = true;
      return environment.client.workflow.getHandle(handle.workflowId).result();
    });
    expect(result).toMatchObject({ phase: 'waiting' });
  });

  it('hands over what it knows to a new run before its history is long', async () => {
    const { result } = await played({ view: { verifiedHourly: 60 } }, async (handle) => {
      await handle.executeUpdate(pauseEvictionUpdate, { args: [{ by: 'ann' }] });
      const before = await until(handle, ({ lastVerification }) => lastVerification !== undefined);
      const current = environment.client.workflow.getHandle(handle.workflowId);
      const talk = (): Promise<unknown> => Promise.all(Array.from({ length: 60 }, () => current.executeUpdate(pauseEvictionUpdate, { args: [{ by: 'ann' }] }).catch(codeOf)));
      for (let times = 0; times < 20 && (await current.describe()).runId === handle.firstExecutionRunId; times += 1) await talk();
      return { handed: (await current.describe()).runId !== handle.firstExecutionRunId, before, after: await until(handle, ({ usage }) => usage !== undefined) };
    });
    expect(result.handed).toBe(true);
    expect(result.after).toMatchObject({ paused: true, lastVerification: { checked: 1 } });
  });

  it('is started, asked and told by its client', async () => {
    const scene = cacheScene({ bytes: 900 });
    const status = await playing(
      environment,
      scene,
      async () => {
        const client = createArtifactCacheWorkflowClient(environment.client, { taskQueue: 'artifacts-spec-by-client' });
        await client.start('by-client');
        await client.pauseEviction('by-client', { by: 'ann' });
        expect(await client.evict('by-client', { dryRun: true, by: 'ann' })).toMatchObject({ bytes: 100 });
        expect(await client.verify('by-client', { by: 'ann' })).toEqual({ checked: 3, lost: 1 });
        const paused = await client.status('by-client');
        await client.resumeEviction('by-client', { by: 'ann' });
        return [paused.paused, (await client.status('by-client')).paused];
      },
      'by-client',
    );
    expect(status).toEqual([true, false]);
  });

  it('says that Temporal does not answer where nothing has started it', async () => {
    const client = createArtifactCacheWorkflowClient(environment.client, { taskQueue: 'artifacts-spec-nobody' });
    await expect(client.status('nobody')).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    await expect(client.pauseEviction('nobody', { by: 'ann' }, { deadline: 500 })).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    await environment.client.workflow.getHandle('artifact-cache:nobody').terminate();
  });
});
