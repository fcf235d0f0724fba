import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { cancelComposeUpdate, composeChangedSignal, composeStatusQuery, composeTaskQueue, composeWorkflowId, composeWorkflowType, removeComposeUpdate, renewComposeUpdate, treeSettledSignal } from '../workflows/compose/compose-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { ComposeStatus } from '../workflows/compose/compose-messages.js';
import type { CallOptions } from './session-workflow-client.js';

export interface ComposeWorkflowClientOptions {
  /** Another task queue than `composes`; for specs that share a server. */
  readonly taskQueue?: string;
}

/**
 * The messages of the compose workflow as calls. Errors: `workflow-engine-unavailable`, `compose-not-found` (no such workflow, or one that has completed),
 * `compose-closed`, and whatever code the command behind the message failed with. A call that was given up may still take effect.
 */
export interface ComposeWorkflowClient {
  /** Resolves when the workflow is durable. One that runs is fine; one that was terminated or has completed is started again and does what the record says. */
  start(composeId: number, options?: CallOptions): Promise<void>;
  /** The record has changed: look again. */
  changed(composeId: number, options?: CallOptions): Promise<void>;
  /** To a follower: the compose that it waits for has ended. */
  treeSettled(composeId: number, options?: CallOptions): Promise<void>;
  cancel(composeId: number, by: string, options?: CallOptions): Promise<ComposeStatus>;
  renew(composeId: number, renewal: { readonly by: string; readonly secondsToLive?: number }, options?: CallOptions): Promise<ComposeStatus>;
  remove(composeId: number, by: string, options?: CallOptions): Promise<ComposeStatus>;
  status(composeId: number, options?: CallOptions): Promise<ComposeStatus>;
}

const defaultDeadline = 3000;

export function createComposeWorkflowClient(client: Client, options: ComposeWorkflowClientOptions = {}): ComposeWorkflowClient {
  const taskQueue = options.taskQueue ?? composeTaskQueue;

  async function call<T>(composeId: number, callOptions: CallOptions | undefined, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const deadline = callOptions?.deadline ?? defaultDeadline;
    const workflowId = composeWorkflowId(composeId);
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => work(client.workflow.getHandle(workflowId))));
    } catch (error) {
      throw asMillraceError(error, workflowId, 'compose');
    }
  }

  return {
    start: (composeId, callOptions) =>
      call(composeId, callOptions, async ({ workflowId }) => {
        await client.workflow.start(composeWorkflowType, {
          workflowId,
          taskQueue,
          args: [{ composeId }],
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        });
      }),
    changed: (composeId, callOptions) => call(composeId, callOptions, (handle) => handle.signal(composeChangedSignal)),
    treeSettled: (composeId, callOptions) => call(composeId, callOptions, (handle) => handle.signal(treeSettledSignal)),
    cancel: (composeId, by, callOptions) => call(composeId, callOptions, (handle) => handle.executeUpdate(cancelComposeUpdate, { args: [{ by }] })),
    renew: (composeId, renewal, callOptions) => call(composeId, callOptions, (handle) => handle.executeUpdate(renewComposeUpdate, { args: [renewal] })),
    remove: (composeId, by, callOptions) => call(composeId, callOptions, (handle) => handle.executeUpdate(removeComposeUpdate, { args: [{ by }] })),
    status: (composeId, callOptions) => call(composeId, callOptions, (handle) => handle.query(composeStatusQuery)),
  };
}
