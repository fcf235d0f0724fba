import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { setTimeout as pause } from 'node:timers/promises';
import { isMillraceError } from '../libs/errors/millrace-error.js';
import {
  artifactCacheStatusQuery,
  artifactCacheTaskQueue,
  artifactCacheWorkflowId,
  artifactCacheWorkflowType,
  evictUpdate,
  pauseEvictionUpdate,
  resumeEvictionUpdate,
  verifyUpdate,
  type ArtifactCacheStatus,
  type EvictionReport,
  type EvictRequest,
} from '../workflows/artifact-cache/artifact-cache-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { CallOptions } from './session-workflow-client.js';

export interface ArtifactCacheWorkflowClientOptions {
  /** Another task queue than `artifacts`; for specs that share a server. */
  readonly taskQueue?: string;
}

/**
 * The messages of the workflow of a cache as calls. `instance`: the whole name, `main` and not empty. Errors: `workflow-engine-unavailable` (also when the deadline has
 * passed: what was asked for goes on; and when no worker has started the workflow yet), and the codes of the cache. Nothing of the cache but its upkeep needs Temporal.
 */
export interface ArtifactCacheWorkflowClient {
  /** Resolves when the workflow is durable. One that runs is fine; one that has ended is started again. */
  start(instance: string, options?: CallOptions): Promise<void>;
  status(instance: string, options?: CallOptions): Promise<ArtifactCacheStatus>;
  /** Starts the workflow where there is none, as do the following. */
  evict(instance: string, request: EvictRequest, options?: CallOptions): Promise<EvictionReport>;
  /** Every blob: that takes as long as reading all of them. */
  verify(instance: string, request: { readonly by: string }, options?: CallOptions): Promise<{ readonly checked: number; readonly lost: number }>;
  pauseEviction(instance: string, request: { readonly by: string }, options?: CallOptions): Promise<void>;
  resumeEviction(instance: string, request: { readonly by: string }, options?: CallOptions): Promise<void>;
}

/** Milliseconds. */
const defaultDeadline = 3000;
/** Of what works through the whole cache. */
const longDeadline = 600_000;
/** Milliseconds between attempts while the workflow hands its history over. */
const handOverPause = 100;

export function createArtifactCacheWorkflowClient(client: Client, options: ArtifactCacheWorkflowClientOptions = {}): ArtifactCacheWorkflowClient {
  async function call<T>(instance: string, deadline: number, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const workflowId = artifactCacheWorkflowId(instance);
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => work(client.workflow.getHandle(workflowId))));
    } catch (error) {
      throw asMillraceError(error, workflowId, 'cache');
    }
  }

  const start = (instance: string, callOptions?: CallOptions): Promise<void> =>
    call(instance, callOptions?.deadline ?? defaultDeadline, async () => {
      await client.workflow.start(artifactCacheWorkflowType, {
        workflowId: artifactCacheWorkflowId(instance),
        taskQueue: options.taskQueue ?? artifactCacheTaskQueue,
        args: [{ instance }],
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      });
    });

  /** A long history is handed over in a moment; the same update then reaches the next run. */
  async function update<T>(instance: string, deadline: number, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const end = performance.now() + deadline;
    await start(instance, { deadline: Math.min(deadline, defaultDeadline) });
    for (;;) {
      try {
        return await call(instance, Math.max(1, end - performance.now()), work);
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'record-conflict' || performance.now() > end) throw error;
        await pause(handOverPause);
      }
    }
  }

  return {
    start,
    status: (instance, callOptions) => call(instance, callOptions?.deadline ?? defaultDeadline, (handle) => handle.query(artifactCacheStatusQuery)),
    evict: (instance, request, callOptions) => update(instance, callOptions?.deadline ?? longDeadline, (handle) => handle.executeUpdate(evictUpdate, { args: [request] })),
    verify: (instance, request, callOptions) => update(instance, callOptions?.deadline ?? longDeadline, (handle) => handle.executeUpdate(verifyUpdate, { args: [request] })),
    pauseEviction: (instance, request, callOptions) => update(instance, callOptions?.deadline ?? defaultDeadline, (handle) => handle.executeUpdate(pauseEvictionUpdate, { args: [request] })),
    resumeEviction: (instance, request, callOptions) => update(instance, callOptions?.deadline ?? defaultDeadline, (handle) => handle.executeUpdate(resumeEvictionUpdate, { args: [request] })),
  };
}
