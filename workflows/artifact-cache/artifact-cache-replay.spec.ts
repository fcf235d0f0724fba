import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describeReplays, type ReplayedScenario } from '../__fixtures__/describe-replays.js';
import { cacheScene, fails, playing, untilStatus, type CacheBehaviour, type CacheHandle, type CacheScene } from './__fixtures__/cache-scene.js';
import { artifactCacheWorkflowId, evictUpdate, pauseEvictionUpdate, resumeEvictionUpdate, verifyUpdate } from './artifact-cache-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

interface Script {
  readonly mutation: ReplayedScenario['mutation'];
  readonly behaviour: CacheBehaviour;
  readonly play: (handle: CacheHandle, scene: CacheScene, environment: TestWorkflowEnvironment) => Promise<unknown>;
}

let failures = 0;

const scripts: Readonly<Record<string, Script>> = {
  'evicted-by-the-clock': {
    mutation: [/\.collectCacheGarbage\(/g, '.verifyCache('],
    behaviour: {
      bytes: 1500,
      kept: 1200,
      stepBytes: 100,
      view: { ages: true, verifiedHourly: 60 },
      before(call) {
        if (call === 'collect' && (failures += 1) <= 3) fails('storage-unavailable');
      },
    },
    async play(handle, scene, environment) {
      await untilStatus(environment, handle, ({ alarm, problem }) => alarm && problem !== undefined);
      scene.kept = 0;
      await untilStatus(environment, handle, ({ alarm, problem }) => !alarm && problem === undefined);
    },
  },
  'told-by-an-operator': {
    mutation: [/\.evictFromCache\(/g, '.collectCacheGarbage('],
    behaviour: { bytes: 900 },
    async play(handle) {
      await handle.executeUpdate(pauseEvictionUpdate, { args: [{ by: 'ann' }] });
      await handle.executeUpdate(evictUpdate, { args: [{ toBytes: 500, dryRun: true, by: 'ann' }] });
      await handle.executeUpdate(evictUpdate, { args: [{ dryRun: false, by: 'ann' }] });
      await handle.executeUpdate(verifyUpdate, { args: [{ by: 'ann' }] });
      await handle.executeUpdate(resumeEvictionUpdate, { args: [{ by: 'ann' }] });
    },
  },
};

function record(environment: TestWorkflowEnvironment, name: string, { behaviour, play }: Script): Promise<string> {
  const scene = cacheScene(behaviour);
  return playing(
    environment,
    scene,
    async (handle) => {
      await play(handle, scene, environment);
      scene.removed = true;
      const recorded = environment.client.workflow.getHandle(handle.workflowId);
      await recorded.result();
      return historyToJSON(await recorded.fetchHistory());
    },
    name,
  );
}

describeReplays(
  path.join(import.meta.dirname, '__histories__'),
  Object.entries(scripts).map(([name, script]) => ({
    name,
    mutation: script.mutation,
    workflowId: artifactCacheWorkflowId(name),
    record: (environment) => record(environment, name, script),
  })),
);
