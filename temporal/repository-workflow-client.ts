import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { setTimeout as pause } from 'node:timers/promises';
import { isMillraceError } from '../libs/errors/millrace-error.js';
import { applyChangeUpdate, repositoryChangedSignal, repositoryStatusQuery, repositoryTaskQueue, repositoryUpkeepStatusQuery, repositoryUpkeepWorkflowId, repositoryUpkeepWorkflowType, repositoryWorkflowId, repositoryWorkflowType } from '../workflows/repository/repository-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { ChangeOutcome } from '../libs/repository/repository-change.js';
import type { RepositoryStatus, RepositoryUpkeepStatus } from '../workflows/repository/repository-messages.js';
import type { CallOptions } from './session-workflow-client.js';

export interface RepositoryWorkflowClientOptions {
  /** Another task queue than `repositories`; for specs that share a server. */
  readonly taskQueue?: string;
}

/**
 * The messages of the repository workflow as calls. Errors: `workflow-engine-unavailable` (also when the deadline has passed: the change goes on, the record tells what
 * becomes of it), `repository-not-found` (no such workflow), and whatever code a change has failed with. A call that was given up may still take effect.
 */
export interface RepositoryWorkflowClient {
  /** Resolves when the workflow, and that of its upkeep, is durable. One that runs is fine; one that was terminated or has completed is started again and does what the record says. */
  start(name: string, options?: CallOptions): Promise<void>;
  /** The record has changes that wait, or other settings. Starts the workflow where there is none. */
  changed(name: string, options?: CallOptions): Promise<void>;
  /** The record has changes that wait. */
  poke(name: string, options?: CallOptions): Promise<void>;
  /** Answers when a change that is in the record has ended; names in its lists are cut at `shownNames`. Starts the workflow where there is none. */
  apply(name: string, changeId: string, options?: CallOptions): Promise<ChangeOutcome>;
  status(name: string, options?: CallOptions): Promise<RepositoryStatus>;
  /** How checks and synchronisations by the clock went. */
  upkeep(name: string, options?: CallOptions): Promise<RepositoryUpkeepStatus>;
}

/** Milliseconds. */
const defaultDeadline = 3000;
/** Milliseconds between attempts while the workflow hands its history over. */
const handOverPause = 100;

export function createRepositoryWorkflowClient(client: Client, options: RepositoryWorkflowClientOptions = {}): RepositoryWorkflowClient {
  const started = (name: string, workflowId = repositoryWorkflowId(name)) =>
    ({
      workflowId,
      taskQueue: options.taskQueue ?? repositoryTaskQueue,
      args: [{ name }],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    }) as const;

  async function call<T>(name: string, callOptions: CallOptions | undefined, work: (handle: WorkflowHandle) => Promise<T>, workflowId = repositoryWorkflowId(name)): Promise<T> {
    const deadline = callOptions?.deadline ?? defaultDeadline;
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => work(client.workflow.getHandle(workflowId))));
    } catch (error) {
      throw asMillraceError(error, workflowId, 'repository');
    }
  }

  const upkeepOf = (name: string) => started(name, repositoryUpkeepWorkflowId(name));
  const start = (name: string, callOptions?: CallOptions): Promise<void> =>
    call(name, callOptions, async () => {
      await client.workflow.start(repositoryWorkflowType, started(name));
      await client.workflow.start(repositoryUpkeepWorkflowType, upkeepOf(name));
    });

  /** A long history is handed over in a moment; the same update then reaches the next run. */
  async function apply(name: string, changeId: string, callOptions: CallOptions | undefined): Promise<ChangeOutcome> {
    const end = performance.now() + (callOptions?.deadline ?? defaultDeadline);
    const left = (): CallOptions => ({ deadline: Math.max(1, end - performance.now()) });
    await start(name, left());
    for (;;) {
      try {
        return await call(name, left(), (handle) => handle.executeUpdate(applyChangeUpdate, { args: [{ changeId }] }));
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'record-conflict' || performance.now() > end) throw error;
        await pause(handOverPause);
      }
    }
  }

  return {
    start,
    apply,
    changed: (name, callOptions) =>
      call(name, callOptions, async () => {
        await client.workflow.signalWithStart(repositoryWorkflowType, { ...started(name), signal: repositoryChangedSignal });
        await client.workflow.signalWithStart(repositoryUpkeepWorkflowType, { ...upkeepOf(name), signal: repositoryChangedSignal });
      }),
    poke: (name, callOptions) => call(name, callOptions, async () => void (await client.workflow.signalWithStart(repositoryWorkflowType, { ...started(name), signal: repositoryChangedSignal }))),
    status: (name, callOptions) => call(name, callOptions, (handle) => handle.query(repositoryStatusQuery)),
    upkeep: (name, callOptions) => call(name, callOptions, (handle) => handle.query(repositoryUpkeepStatusQuery), repositoryUpkeepWorkflowId(name)),
  };
}
