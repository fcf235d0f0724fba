import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { repositoryStatusQuery, repositoryUpkeepWorkflowId, repositoryWorkflowId, type RepositoryStatus } from '../repository-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ChangeOutcome } from '../../../libs/repository/repository-change.js';
import type { repositoryUpkeep } from '../repository-upkeep.js';
import type { repository } from '../repository-workflow.js';
import type { EndedChange, RepositoryActivities, RepositoryUpkeepActivities, RepositoryView } from '../repository-activities.js';

export type RepositoryHandle = WorkflowHandleWithFirstExecutionRunId<typeof repository>;

export interface RepositoryBehaviour {
  /** Runs before an activity answers; may throw. */
  readonly before?: (call: string, scene: RepositoryScene) => Promise<void> | void;
  readonly view?: (state: number, now: number) => Partial<RepositoryView>;
  /** Whether the record lets a planned state be given up; `divide`: none of several changes fails by it. */
  readonly abandonable?: boolean | 'divide';
  readonly postponed?: () => boolean;
}

export interface RepositoryScene {
  readonly activities: RepositoryActivities & RepositoryUpkeepActivities;
  readonly calls: string[];
  /** Changes of each state that was published, by its number less 1. */
  readonly published: string[][];
  readonly waiting: string[];
  /** The state that is being made. */
  planned: { readonly state: number; readonly changes: readonly string[] } | undefined;
  /** Puts a change into the record. */
  request(): string;
  /** Calls of one kind. */
  count(call: string): number;
}

export const fails = (code: string, final = false): never => {
  throw ApplicationFailure.create({ message: `${code} says the scene`, type: code, nonRetryable: final, details: [[]] });
};

/** A repository whose record is in memory: every change is one package, and all that wait go into one state. */
export function repositoryScene(environment: TestWorkflowEnvironment, behaviour: RepositoryBehaviour = {}): RepositoryScene {
  const { before = () => undefined, view = () => ({}), abandonable = true, postponed = () => false } = behaviour;
  const calls: string[] = [];
  const published: string[][] = [];
  const waiting: string[] = [];
  const ended = new Map<string, EndedChange>();
  let last = 0;
  async function performed<T>(call: string, answer: () => T | Promise<T>): Promise<T> {
    calls.push(call);
    await before(call, scene);
    return answer();
  }
  const outcome = (state: number, id: string): ChangeOutcome => ({ state, added: [id], same: [], removed: [], obsoleted: [] });
  const scene: RepositoryScene = {
    calls,
    published,
    waiting,
    planned: undefined,
    request() {
      const id = randomUUID();
      waiting.push(id);
      return id;
    },
    count: (call) => calls.filter((made) => made === call).length,
    activities: {
      lookAtRepository: () => performed('look', async () => ({ state: published.length, signBy: null, checkSeconds: null, synchroniseSeconds: null, ...view(published.length, await environment.currentTimeMs()) })),
      requestChange: (_name, { id }) =>
        performed('request', () => {
          if (!waiting.includes(id) && !ended.has(id) && scene.planned?.changes.includes(id) !== true) waiting.push(id);
        }),
      endedChanges: (ids) =>
        performed('ended', () =>
          ids.flatMap((id) => {
            const known = ended.get(id);
            if (known !== undefined) return [known];
            if (waiting.includes(id) || scene.planned?.changes.includes(id) === true) return [];
            return [{ id, problem: { code: 'change-not-found', message: 'nobody knows it', details: [] } }];
          }),
        ),
      inspectChanges: () => performed('inspect', () => ({ inspected: 0, refused: 0, postponed: postponed() ? 1 : 0, trouble: postponed() ? 'the session is away' : null })),
      planState: (_name, most = 100) =>
        performed('plan', () => {
          if (scene.planned === undefined && waiting.length > 0 && !postponed()) scene.planned = { state: (last += 1), changes: waiting.splice(0, most) };
          return scene.planned === undefined ? null : { state: scene.planned.state, changes: scene.planned.changes.length, added: 1, removed: 0 };
        }),
      placePackages: () => performed('place', () => undefined),
      writeIndex: () => performed('index', () => undefined),
      switchIndex: () => performed('switch', () => undefined),
      recordState: () =>
        performed('record', () => {
          const { planned } = scene;
          if (planned === undefined) return;
          published.push([...planned.changes]);
          for (const id of planned.changes) ended.set(id, { id, outcome: outcome(planned.state, id) });
          scene.planned = undefined;
        }),
      abandonState: (_name, _state, problem) =>
        performed('abandon', () => {
          if (abandonable === false) return false;
          const changes = scene.planned?.changes ?? [];
          if (abandonable === 'divide' && changes.length > 1) {
            waiting.unshift(...changes);
            scene.planned = undefined;
            return 'divide';
          }
          for (const id of changes) ended.set(id, { id, problem });
          scene.planned = undefined;
          return true;
        }),
      tidyRepository: () => performed('tidy', () => undefined),
      pruneRepository: () => performed('prune', () => 0),
      recordUpkeepFailure: (_name, { task, problem }) => performed(`told ${task} ${problem.code}`, () => undefined),
      signAgain: () => performed('sign', () => void scene.request()),
      checkRepository: () => performed('check', () => undefined),
      synchroniseRepository: () => performed('synchronise', () => undefined),
    },
  };
  return scene;
}

/** Of its own each, because the server may hand a task to a worker that has just gone. */
const taskQueueOf = (name: string): string => `repositories-spec-${name}`;

let last = 0;

/** Plays a repository until the spec says that it is enough. */
export async function playing<T>(environment: TestWorkflowEnvironment, scene: RepositoryScene, work: (handle: RepositoryHandle) => Promise<T>, name = `repository-${(last += 1)}`): Promise<T> {
  const taskQueue = taskQueueOf(name);
  const worker = await Worker.create({ connection: environment.nativeConnection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...scene.activities }, maxCachedWorkflows: 100 });
  return worker.runUntil(async () => {
    const handle = await environment.client.workflow.start<typeof repository>('repository', { workflowId: repositoryWorkflowId(name), taskQueue, args: [{ name }] });
    await environment.client.workflow.start<typeof repositoryUpkeep>('repositoryUpkeep', { workflowId: repositoryUpkeepWorkflowId(name), taskQueue, args: [{ name }] });
    try {
      return await work(handle);
    } finally {
      // What is in the worker's hands when its workflow is terminated would hold the clock for good: this skips once nothing is.
      await environment.sleep(1000).catch(() => undefined);
      for (const id of [handle.workflowId, repositoryUpkeepWorkflowId(name)]) await environment.client.workflow.getHandle(id).terminate().catch(() => undefined);
    }
  });
}

/** The clock of the server goes on only while somebody sleeps by it. */
export async function whileTimePasses<T>(environment: TestWorkflowEnvironment, work: Promise<T>, step = 1000): Promise<T> {
  let ended = false;
  const watched = work.finally(() => (ended = true));
  watched.catch(() => undefined);
  for (let steps = 0; !ended && steps < 500; steps += 1) await environment.sleep(step);
  return watched;
}

export async function untilStatus(environment: TestWorkflowEnvironment, handle: RepositoryHandle, holds: (status: RepositoryStatus) => boolean): Promise<RepositoryStatus> {
  for (let step = 0; step < 300; step += 1) {
    const status = await handle.query(repositoryStatusQuery);
    if (holds(status)) return status;
    await environment.sleep(Math.min(15_000, 200 * 1.3 ** step));
  }
  throw new Error(`the status never came to pass: ${holds.toString()}: ${JSON.stringify(await handle.query(repositoryStatusQuery))}`);
}
