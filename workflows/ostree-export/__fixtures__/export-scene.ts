import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { ostreeExportStatusQuery, ostreeExportWorkflowId, type OstreeExportStatus } from '../ostree-export-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { OstreeExportActivities } from '../ostree-export-activities.js';
import type { ostreeExport } from '../ostree-export-workflow.js';

export type ExportHandle = WorkflowHandleWithFirstExecutionRunId<typeof ostreeExport>;

/** An export of so many entries, ten in a round. */
export interface ExportScene {
  readonly activities: OstreeExportActivities;
  rounds: number;
  looks: number;
  waiting: number;
  exported: number;
  /** Code of what rounds fail with. */
  failing: string | undefined;
}

export function exportScene({ waiting = 0, failing }: { readonly waiting?: number; readonly failing?: string } = {}): ExportScene {
  const scene: ExportScene = {
    rounds: 0,
    looks: 0,
    waiting,
    exported: 0,
    failing,
    activities: {
      async exportToOstree() {
        scene.rounds += 1;
        const type = scene.failing;
        if (type !== undefined) throw ApplicationFailure.create({ message: `${type} says the scene`, type, nonRetryable: type === 'invalid-request' });
        const exported = Math.min(10, scene.waiting);
        scene.waiting -= exported;
        scene.exported += exported;
        return { exported, dropped: 0, deleted: 0, refused: 0, more: scene.waiting > 0 };
      },
      async lookAtOstree() {
        scene.looks += 1;
        return { refs: scene.exported, objects: 3 * scene.exported, bytes: 100 * scene.exported, refused: 0 };
      },
    },
  };
  return scene;
}

let last = 0;

/** Plays an export until the spec says that it is enough. */
export async function playing<T>(environment: TestWorkflowEnvironment, scene: ExportScene, work: (handle: ExportHandle) => Promise<T>, instance = `export-${(last += 1)}`): Promise<T> {
  // Of its own each, because the server may hand a task to a worker that has just gone.
  const taskQueue = `ostree-spec-${instance}`;
  const worker = await Worker.create({ connection: environment.nativeConnection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...scene.activities }, maxCachedWorkflows: 100 });
  return worker.runUntil(async () => {
    const handle = await environment.client.workflow.start<typeof ostreeExport>('ostreeExport', { workflowId: ostreeExportWorkflowId(instance), taskQueue, args: [{ instance }] });
    try {
      return await work(handle);
    } finally {
      await environment.client.workflow.getHandle(handle.workflowId).terminate().catch(() => undefined);
    }
  });
}

export async function untilStatus(environment: TestWorkflowEnvironment, { workflowId }: ExportHandle, holds: (status: OstreeExportStatus) => boolean): Promise<OstreeExportStatus> {
  const current = environment.client.workflow.getHandle(workflowId);
  for (let step = 0; step < 300; step += 1) {
    const status = await current.query(ostreeExportStatusQuery);
    if (holds(status)) return status;
    await environment.sleep(Math.min(10_000, 200 * 1.3 ** step));
  }
  throw new Error(`the status never came to pass: ${holds.toString()}: ${JSON.stringify(await current.query(ostreeExportStatusQuery))}`);
}
