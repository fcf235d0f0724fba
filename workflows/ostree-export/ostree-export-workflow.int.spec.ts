import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createOstreeExportWorkflowClient } from '../../temporal/ostree-export-workflow-client.js';
import { startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { exportScene, playing, untilStatus, type ExportHandle } from './__fixtures__/export-scene.js';
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

const until = (handle: ExportHandle, holds: Parameters<typeof untilStatus>[2]) => untilStatus(environment, handle, holds);

describe('the workflow of an export', () => {
  it('goes on at once while there is more to do, tells what there is, and then looks every ten seconds', async () => {
    const scene = exportScene({ waiting: 35 });
    await playing(environment, scene, async (handle) => {
      const status = await until(handle, ({ usage }) => usage?.refs === 35);
      expect(status).toMatchObject({ usage: { refs: 35, objects: 105, bytes: 3500, refused: 0 }, lastChange: { exported: 5 } });
      const { events } = await environment.client.workflow.getHandle(handle.workflowId).fetchHistory();
      const rounds = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: activity }, index) => (activity?.activityType?.name === 'exportToOstree' ? [index] : []));
      const timers = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }, index) => (timer == null ? [] : [index]));
      expect(timers.filter((index) => index < (rounds[3] ?? 0))).toEqual([]);
      const before = scene.rounds;
      await environment.sleep('1 minute');
      expect(scene.rounds - before).toBeGreaterThanOrEqual(4);
      // Nothing is counted again while nothing changes.
      expect([scene.rounds - before <= 8, scene.looks]).toEqual([true, 4]);
      scene.waiting = 1;
      expect(await until(handle, ({ usage }) => usage?.refs === 36)).toMatchObject({ lastChange: { exported: 1 } });
    });
  });

  it('tells what is wrong while it lasts, and makes up for it', async () => {
    const scene = exportScene({ waiting: 3, failing: 'storage-unavailable' });
    await playing(environment, scene, async (handle) => {
      expect(await until(handle, ({ problem }) => problem !== undefined)).toEqual({ instance: handle.workflowId.slice('ostree-export:'.length), problem: 'storage-unavailable says the scene' });
      scene.failing = undefined;
      expect(await until(handle, ({ usage }) => usage?.refs === 3)).toEqual({ instance: expect.any(String), usage: expect.objectContaining({ refs: 3 }), lastChange: expect.objectContaining({ exported: 3 }), currentAt: expect.any(String) });
    });
  });

  it('completes when the settings export the instance no more', async () => {
    const scene = exportScene({ waiting: 3 });
    await playing(environment, scene, async (handle) => {
      await until(handle, ({ usage }) => usage?.refs === 3);
      scene.failing = 'invalid-request';
      expect(await handle.result()).toMatchObject({ usage: { refs: 3 } });
    });
  });

  it('begins a new run before its history is long, with what it knows', async () => {
    const scene = exportScene({ waiting: 15_000 });
    await playing(environment, scene, async (handle) => {
      const current = environment.client.workflow.getHandle(handle.workflowId);
      for (let step = 0; step < 300 && (await current.describe()).runId === handle.firstExecutionRunId; step += 1) await environment.sleep(1000);
      scene.waiting = 0;
      expect((await current.describe()).runId).not.toBe(handle.firstExecutionRunId);
      expect(await until(handle, ({ usage }) => usage?.refs === scene.exported)).toMatchObject({ lastChange: { exported: expect.any(Number) } });
    });
  });

  it.each([[{}], [{ instance: '' }], [{ instance: 'another' }]])('fails for the input %j', async (input) => {
    await playing(environment, exportScene(), async (handle) => {
      const wrong = await environment.client.workflow.start('ostreeExport', { workflowId: `ostree-export:wrong-${JSON.stringify(input)}`, taskQueue: `ostree-spec-${handle.workflowId.slice('ostree-export:'.length)}`, args: [input] });
      await expect(wrong.result()).rejects.toMatchObject({ cause: { type: 'invalid-request' } });
    });
  });

  it('is started and asked by its client, and said to be away where nothing has started it', async () => {
    const client = createOstreeExportWorkflowClient(environment.client, { taskQueue: 'ostree-spec-by-client' });
    await expect(client.status('by-client')).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    await playing(
      environment,
      exportScene({ waiting: 2 }),
      async (handle) => {
        await client.start('by-client');
        await until(handle, ({ usage }) => usage?.refs === 2);
        expect(await client.status('by-client')).toMatchObject({ instance: 'by-client', usage: { refs: 2 } });
      },
      'by-client',
    );
  });
});
