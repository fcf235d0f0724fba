import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { noCounts } from '../../../libs/compose-rules/rule-counts.js';
import { composeRuleWorkflowId, composeWaitTaskQueueOf, ruleStatusQuery, type ComposeRuleStatus } from '../compose-rule-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ComposeRuleActivities, ComposeWaitActivities, GateAnswer, MatterReference, RuleBeginning, RuleSettings } from '../compose-rule-activities.js';
import type { composeRule } from '../compose-rule-workflow.js';

export type RuleHandle = WorkflowHandleWithFirstExecutionRunId<typeof composeRule>;

/** Messages are keys, their positions those in the list, from 1. `!` at the beginning: no request can be made of it; `@`: it closes a loop; `-`: it does not match. */
export interface RuleBehaviour {
  readonly messages?: string[];
  readonly settings?: Partial<RuleSettings>;
  readonly beginning?: Partial<RuleBeginning>;
  /** Runs before an activity answers; may throw. */
  readonly before?: (call: string) => Promise<void>;
  /** Ends of composes in their turn; done after the last. */
  readonly ends?: readonly boolean[];
  readonly gate?: (when: 'before' | 'after', asked: number) => GateAnswer;
  /** So many messages at once. */
  readonly page?: number;
}

export interface RuleScene {
  readonly activities: ComposeRuleActivities;
  readonly waits: ComposeWaitActivities;
  readonly messages: string[];
  readonly calls: string[];
  /** When each compose was asked for, by the server's clock, and why; the index is its id less 1. */
  readonly requests: (MatterReference & { readonly at: number })[];
  /** Most composes of one key that were there at once. */
  mostAtOnce(): number;
  /** What the record was last told. */
  settled(): number;
  readonly behaviour: RuleBehaviour;
}

const usual: RuleSettings = { debounce: { quiet: 10, longest: 60 }, retry: { times: 0, wait: 60 }, gateBefore: false, gateAfter: false, named: false };

/** A rule whose record is in memory; composes are done at once unless `before` waits. */
export function ruleScene(environment: TestWorkflowEnvironment, behaviour: RuleBehaviour = {}): RuleScene {
  const { before = () => Promise.resolve(), page = 100, gate = () => ({ open: true, summary: '', patience: 0 }) } = behaviour;
  const messages = behaviour.messages ?? [];
  const calls: string[] = [];
  const requests: (MatterReference & { at: number })[] = [];
  const open = new Map<string, Set<number>>();
  const ends = [...(behaviour.ends ?? [])];
  let most = 0;
  let settled = 0;
  let asked = 0;
  const settings = { ...usual, ...behaviour.settings };
  async function performed<T>(call: string, answer: () => T | Promise<T>): Promise<T> {
    calls.push(call);
    // Held, it ends at the latest with its worker.
    await Promise.race([before(call), Context.current().cancelled]);
    return answer();
  }
  const keyed = (position: number): string => messages[position - 1] ?? '-';
  return {
    messages,
    calls,
    requests,
    behaviour,
    mostAtOnce: () => most,
    settled: () => settled,
    activities: {
      beginRule: () => performed('begin', () => ({ settings, paused: false, position: 0, counts: noCounts, ...behaviour.beginning })),
      readRule: () => performed('read', () => settings),
      matchMessages: (_rule, { after, until = messages.length }, standing) =>
        performed(`match after ${after}`, () => {
          settled = standing.settled;
          const end = Math.min(after + page, until);
          const positions = Array.from({ length: Math.max(0, end - after) }, (_, index) => after + index + 1);
          const keys = Map.groupBy(positions.filter((position) => !/^[!@-]/.test(keyed(position))), keyed);
          const count = (mark: string): number => positions.filter((position) => keyed(position).startsWith(mark)).length;
          return { position: Math.max(after, end), more: end < until, keys: [...keys].map(([key, of]) => ({ key, position: of.at(-1)!, oldest: of[0]!, messages: of.length })), parked: count('!'), loops: count('@'), problem: count('!') > 0 ? 'unfit' : null };
        }),
      matchMessage: (_rule, position) =>
        performed(`match ${position}`, () => {
          if (keyed(position) === '-') throw ApplicationFailure.nonRetryable('no message has this position', 'message-not-found');
          return { key: keyed(position), position, oldest: position, messages: 1 };
        }),
      positionBefore: () => performed('position before', () => 0),
      pauseRule: (_rule, by) => performed(`pause ${by}`, () => undefined),
      resumeRule: () => performed('resume', () => undefined),
      retireRule: (_rule, standing) => performed('retire', () => void (settled = standing.settled)),
      askGate: (_rule, _matter, { when }) => performed(`gate ${when}`, () => gate(when, (asked += 1))),
      requestCompose: (_rule, matter) =>
        performed(`request ${matter.key} ${matter.position}`, async () => {
          const known = requests.findIndex((request) => request.key === matter.key && request.position === matter.position && request.replay === matter.replay && request.attempt === matter.attempt);
          if (known >= 0) return { composeId: known + 1, problem: null };
          requests.push({ ...matter, at: await environment.currentTimeMs() });
          const ofKey = open.get(matter.key) ?? new Set();
          open.set(matter.key, ofKey.add(requests.length));
          most = Math.max(most, ofKey.size);
          return { composeId: requests.length, problem: null };
        }),
      promoteCompose: (_rule, _matter, composeId) => performed(`promote ${composeId}`, () => ({ problem: null })),
    },
    waits: {
      awaitCompose: async (composeId) => {
        const context = Context.current();
        const heartbeat = setInterval(() => context.heartbeat(), 50);
        try {
          return await performed(`await ${composeId}`, () => {
            open.get(requests[composeId - 1]?.key ?? '')?.delete(composeId);
            const done = ends.shift() ?? true;
            return { done, reason: done ? null : 'no package ladle' };
          });
        } finally {
          clearInterval(heartbeat);
        }
      },
    },
  };
}

/** Of its own each, because the server may hand a task to a worker that has just gone. */
const taskQueueOf = (rule: string): string => `rules-spec-${rule}`;

/** Workers of both queues for the time of `work`. */
export async function withRuleWorkers<T>(environment: TestWorkflowEnvironment, { rule, scene }: { readonly rule: string; readonly scene: RuleScene }, work: () => Promise<T>): Promise<T> {
  const taskQueue = taskQueueOf(rule);
  const connection = environment.nativeConnection;
  const workers = [
    await Worker.create({ connection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...scene.activities }, maxCachedWorkflows: 100 }),
    await Worker.create({ connection, taskQueue: composeWaitTaskQueueOf(taskQueue), activities: { ...scene.waits }, maxHeartbeatThrottleInterval: 50 }),
  ];
  const done = Promise.resolve().then(work);
  // All of them have to be gone before the connection can be closed, whatever became of the work.
  const ended = await Promise.allSettled(workers.map((worker) => worker.runUntil(done)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return done;
}

export function startRule(environment: TestWorkflowEnvironment, rule: string): Promise<RuleHandle> {
  return environment.client.workflow.start<typeof composeRule>('composeRule', { workflowId: composeRuleWorkflowId(rule), taskQueue: taskQueueOf(rule), args: [{ rule }] });
}

/** Milliseconds; the clock of a server that can skip goes by ours, too, while an activity is under way. */
const longestPause = { skipping: 15_000, real: 500 };

/** Asks until the status is as it should be; the clock of a server that can skip goes on only while somebody sleeps by it. */
export async function untilStatus(environment: TestWorkflowEnvironment, handle: RuleHandle, holds: (status: ComposeRuleStatus) => boolean): Promise<ComposeRuleStatus> {
  const longest = environment.supportsTimeSkipping ? longestPause.skipping : longestPause.real;
  let pause = 200;
  for (let step = 0; step < 300; step += 1) {
    const status = await handle.query(ruleStatusQuery);
    if (holds(status)) return status;
    await environment.sleep(pause);
    pause = Math.min(longest, pause * 1.3);
  }
  throw new Error(`the status never came to pass: ${holds.toString()}: ${JSON.stringify(await handle.query(ruleStatusQuery))}`);
}
