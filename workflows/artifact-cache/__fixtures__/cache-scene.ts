import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { artifactCacheStatusQuery, artifactCacheWorkflowId, type ArtifactCacheStatus } from '../artifact-cache-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ArtifactCacheActivities, CacheAlarm, CacheView, EvictionOrder } from '../artifact-cache-activities.js';
import type { artifactCache } from '../artifact-cache-workflow.js';

export type CacheHandle = WorkflowHandleWithFirstExecutionRunId<typeof artifactCache>;

/** A cache of unused blobs of 10 bytes each, and of others that are in use. */
export interface CacheScene {
  readonly activities: ArtifactCacheActivities;
  readonly calls: string[];
  readonly orders: EvictionOrder[];
  readonly alarms: CacheAlarm[];
  readonly verified: (string | null)[];
  bytes: number;
  kept: number;
  garbage: number;
  removed: boolean;
}

export interface CacheBehaviour {
  /** Runs before an activity answers; may throw. */
  readonly before?: (call: string, scene: CacheScene) => Promise<void> | void;
  readonly view?: Partial<Omit<CacheView, 'usage'>>;
  readonly bytes?: number;
  readonly kept?: number;
  /** Of one step of eviction. */
  readonly stepBytes?: number;
  /** Of the blobs that verification reads one by one. */
  readonly blobBytes?: number;
}

export const high = 1000;
export const low = 800;

export function fails(code: string, final = false): never {
  throw ApplicationFailure.create({ message: `${code} says the scene`, type: code, nonRetryable: final });
}

export function cacheScene({ before = () => undefined, view = {}, bytes = 0, kept = 0, stepBytes = 10_000, blobBytes = 10 }: CacheBehaviour = {}): CacheScene {
  async function performed<T>(call: string, answer: () => T): Promise<T> {
    scene.calls.push(call);
    if (scene.removed) fails('invalid-request', true);
    await before(call, scene);
    return answer();
  }

  function evict({ to, dryRun }: EvictionOrder) {
    const target = to === 'quota' ? low : to === 'age' ? scene.bytes - 10 : to;
    const evicted = Math.max(0, Math.min(scene.bytes - Math.max(target, scene.kept), dryRun ? Infinity : stepBytes));
    if (!dryRun) scene.bytes -= evicted;
    if (!dryRun) scene.garbage += evicted / 10;
    return { entries: 0, blobs: evicted / 10, bytes: evicted, more: to !== 'age' && scene.bytes > Math.max(target, scene.kept) };
  }

  const scene: CacheScene = {
    calls: [],
    orders: [],
    alarms: [],
    verified: [],
    bytes,
    kept,
    garbage: 0,
    removed: false,
    activities: {
      lookAtCache: () => performed('look', () => ({ usage: { bytes: scene.bytes, blobs: scene.bytes / 10, entries: 0, kept: scene.kept }, high, limit: 1100, ages: false, paused: false, verifiedHourly: 0, ...view })),
      evictFromCache: (_instance, order) =>
        performed('evict', () => {
          scene.orders.push(order);
          return evict(order);
        }),
      collectCacheGarbage: () =>
        performed('collect', () => {
          const { garbage } = scene;
          scene.garbage = 0;
          return garbage;
        }),
      verifyCache: (_instance, { after }) =>
        performed('verify', () => {
          scene.verified.push(after);
          const at = Number(after ?? 0) + 1;
          return { checked: 1, bytes: blobBytes, lost: at === 2 ? 1 : 0, after: at === 3 ? null : String(at) };
        }),
      tellCacheAlarm: (_instance, alarm) => performed('alarm', () => void scene.alarms.push(alarm)),
    },
  };
  return scene;
}

let last = 0;

/** Plays a cache until the spec says that it is enough. */
export async function playing<T>(environment: TestWorkflowEnvironment, scene: CacheScene, work: (handle: CacheHandle) => Promise<T>, instance = `cache-${(last += 1)}`): Promise<T> {
  // Of its own each, because the server may hand a task to a worker that has just gone.
  const taskQueue = `artifacts-spec-${instance}`;
  const worker = await Worker.create({ connection: environment.nativeConnection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...scene.activities }, maxCachedWorkflows: 100 });
  return worker.runUntil(async () => {
    const handle = await environment.client.workflow.start<typeof artifactCache>('artifactCache', { workflowId: artifactCacheWorkflowId(instance), taskQueue, args: [{ instance }] });
    try {
      return await work(handle);
    } finally {
      // What is in the worker's hands when its workflow is terminated would hold the clock for good: this skips once nothing is.
      await environment.sleep(1000).catch(() => undefined);
      await environment.client.workflow.getHandle(handle.workflowId).terminate().catch(() => undefined);
    }
  });
}

export async function untilStatus(environment: TestWorkflowEnvironment, handle: CacheHandle, holds: (status: ArtifactCacheStatus) => boolean): Promise<ArtifactCacheStatus> {
  const current = environment.client.workflow.getHandle(handle.workflowId);
  for (let step = 0; step < 300; step += 1) {
    const status = await current.query(artifactCacheStatusQuery);
    if (holds(status)) return status;
    await environment.sleep(Math.min(60_000, 200 * 1.3 ** step));
  }
  throw new Error(`the status never came to pass: ${holds.toString()}: ${JSON.stringify(await current.query(artifactCacheStatusQuery))}`);
}
