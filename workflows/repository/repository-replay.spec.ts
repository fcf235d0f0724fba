import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describeReplays, type ReplayedScenario } from '../__fixtures__/describe-replays.js';
import { fails, playing, repositoryScene, untilStatus, whileTimePasses, type RepositoryBehaviour, type RepositoryHandle, type RepositoryScene } from './__fixtures__/repository-scene.js';
import { applyChangeUpdate, publishPackagesUpdate, repositoryChangedSignal, repositoryWorkflowId } from './repository-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

interface Script {
  readonly mutation: ReplayedScenario['mutation'];
  readonly behaviour?: RepositoryBehaviour;
  readonly play: (handle: RepositoryHandle, scene: RepositoryScene, environment: TestWorkflowEnvironment) => Promise<unknown>;
}

const apply = (handle: RepositoryHandle, changeId: string) => handle.executeUpdate(applyChangeUpdate, { args: [{ changeId }] });

let refusals = 0;
let conflicts = 0;

const scripts: Readonly<Record<string, Script>> = {
  'published-and-told': {
    mutation: [/\.writeIndex\(/g, '.switchIndex('],
    async play(handle, scene, environment) {
      await handle.executeUpdate(publishPackagesUpdate, { args: [{ changeId: randomUUID(), by: 'ann', uploads: [randomUUID()] }] });
      scene.request();
      await handle.signal(repositoryChangedSignal);
      await untilStatus(environment, handle, ({ state }) => state === 2);
    },
  },
  'tried-again-and-given-up': {
    mutation: [/\.abandonState\(/g, '.tidyRepository('],
    behaviour: {
      before(call) {
        if (call === 'place' && (refusals += 1) <= 7) fails('storage-refused', true);
        if (call === 'switch' && (conflicts += 1) <= 1) fails('storage-conflict');
      },
    },
    async play(handle, scene, environment) {
      await whileTimePasses(environment, apply(handle, scene.request()).catch(() => undefined));
      await whileTimePasses(environment, apply(handle, scene.request()));
    },
  },
};

async function record(environment: TestWorkflowEnvironment, name: string, { behaviour, play }: Script): Promise<string> {
  let removed = false;
  const before: RepositoryBehaviour['before'] = (call, scene) => {
    if (removed && call === 'look') fails('repository-not-found', true);
    return behaviour?.before?.(call, scene);
  };
  const scene = repositoryScene(environment, { ...behaviour, before });
  return playing(
    environment,
    scene,
    async (handle) => {
      await play(handle, scene, environment);
      removed = true;
      const recorded = environment.client.workflow.getHandle(handle.workflowId);
      await recorded.signal(repositoryChangedSignal).catch(() => undefined);
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
    workflowId: repositoryWorkflowId(name),
    record: (environment) => record(environment, name, script),
  })),
);
