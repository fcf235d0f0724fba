import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { artifactCacheTaskQueue } from '../workflows/artifact-cache/artifact-cache-messages.js';
import { ostreeExportStatusQuery, ostreeExportWorkflowId, ostreeExportWorkflowType, type OstreeExportStatus } from '../workflows/ostree-export/ostree-export-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';

/** The messages of the workflow of an export as calls. Errors: `workflow-engine-unavailable`, also where no worker has started it yet. */
export interface OstreeExportWorkflowClient {
  /** Resolves when the workflow is durable. One that runs is fine; one that has ended is started again. */
  start(instance: string): Promise<void>;
  status(instance: string): Promise<OstreeExportStatus>;
}

/** Milliseconds. */
const deadline = 3000;

export function createOstreeExportWorkflowClient(client: Client, options: { readonly taskQueue?: string } = {}): OstreeExportWorkflowClient {
  async function call<T>(instance: string, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const workflowId = ostreeExportWorkflowId(instance);
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => work(client.workflow.getHandle(workflowId))));
    } catch (error) {
      throw asMillraceError(error, workflowId, 'cache');
    }
  }

  return {
    start: (instance) =>
      call(instance, async () => {
        await client.workflow.start(ostreeExportWorkflowType, {
          workflowId: ostreeExportWorkflowId(instance),
          taskQueue: options.taskQueue ?? artifactCacheTaskQueue,
          args: [{ instance }],
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        });
      }),
    status: (instance) => call(instance, (handle) => handle.query(ostreeExportStatusQuery)),
  };
}
