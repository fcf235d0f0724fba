import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describeReplays, type ReplayedScenario } from '../__fixtures__/describe-replays.js';
import { ruleScene, startRule, untilStatus, withRuleWorkers, type RuleBehaviour, type RuleHandle, type RuleScene } from './__fixtures__/rule-scene.js';
import { composeRuleWorkflowId, pauseRuleUpdate, replayRuleUpdate, resumeRuleUpdate, retireRuleSignal, ruleChangedSignal, messagesReceivedSignal, type ComposeRuleStatus } from './compose-rule-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

interface Played {
  readonly environment: TestWorkflowEnvironment;
  readonly handle: RuleHandle;
  readonly scene: RuleScene;
}

const by = { args: [{ by: 'ann' }] as [{ by: string }] };
const done = (count: number) => (status: ComposeRuleStatus) => status.counts.done === count && status.matters.length === 0;

interface Script {
  readonly mutation: ReplayedScenario['mutation'];
  readonly behaviour?: RuleBehaviour;
  readonly play: (played: Played) => Promise<unknown>;
  /** Its first run, which handed over to another. */
  readonly first?: true;
}

const scripts: Readonly<Record<string, Script>> = {
  'burst-and-name': {
    mutation: [/\.promoteCompose\(/g, '.requestCompose('],
    behaviour: { messages: ['a', 'b', '-', 'a', '!', '@'], settings: { gateBefore: true, gateAfter: true, named: true } },
    play: ({ environment, handle }) => untilStatus(environment, handle, done(2)),
  },
  'failed-and-tried-again': {
    mutation: [/\.awaitCompose\(/g, '.promoteCompose('],
    behaviour: { messages: ['a'], ends: [false, true], settings: { retry: { times: 1, wait: 60 } } },
    play: ({ environment, handle }) => untilStatus(environment, handle, done(1)),
  },
  'gate-kept-closed': {
    mutation: [/\.askGate\(/g, '.promoteCompose('],
    behaviour: { messages: ['a'], settings: { gateBefore: true }, gate: () => ({ open: false, summary: 'closed', patience: 60 }) },
    play: ({ environment, handle }) => untilStatus(environment, handle, ({ counts }) => counts.refused === 1),
  },
  'superseded-at-its-gate': {
    mutation: [/\.askGate\(/g, '.readRule('],
    behaviour: { messages: ['a'], settings: { gateBefore: true }, gate: (_when, asked) => ({ open: asked > 6, summary: 'closed', patience: 86_400 }) },
    async play({ environment, handle, scene }) {
      await untilStatus(environment, handle, ({ matters }) => matters[0]?.state === 'gate-before');
      scene.messages.push('a');
      await handle.signal(messagesReceivedSignal);
      await untilStatus(environment, handle, done(1));
    },
  },
  'paused-and-replayed': {
    mutation: [/\.resumeRule\(/g, '.readRule('],
    behaviour: { messages: ['a', 'b'] },
    async play({ environment, handle }) {
      await untilStatus(environment, handle, done(2));
      await handle.executeUpdate(pauseRuleUpdate, by);
      await handle.signal(ruleChangedSignal);
      await handle.executeUpdate(resumeRuleUpdate, by);
      await handle.executeUpdate(replayRuleUpdate, { args: [{ by: 'ann', position: 1 }] });
      await untilStatus(environment, handle, done(3));
      await handle.executeUpdate(replayRuleUpdate, { args: [{ by: 'ann', since: '2026-01-01T00:00:00Z' }] });
      await untilStatus(environment, handle, done(5));
    },
  },
  'long-first-run': {
    mutation: [/longHistory = 1e3|longHistory = 1000/g, 'longHistory = 1e9'],
    behaviour: { messages: Array.from({ length: 300 }, (_, index) => `key-${index}`) },
    play: ({ environment, handle }) => untilStatus(environment, handle, done(300)),
    first: true,
  },
  'long-last-run': {
    mutation: [/continuedFromExecutionRunId === undefined/g, 'continuedFromExecutionRunId !== undefined'],
    behaviour: { messages: Array.from({ length: 300 }, (_, index) => `key-${index}`) },
    play: ({ environment, handle }) => untilStatus(environment, handle, done(300)),
  },
};

async function record(environment: TestWorkflowEnvironment, rule: string, { behaviour, play, first }: Script): Promise<string> {
  const scene = ruleScene(environment, behaviour);
  return withRuleWorkers(environment, { rule, scene }, async () => {
    const handle = await startRule(environment, rule);
    await play({ environment, handle, scene });
    await environment.client.workflow.getHandle(handle.workflowId).signal(retireRuleSignal);
    await environment.client.workflow.getHandle(handle.workflowId).result();
    const runId = first === true ? handle.firstExecutionRunId : undefined;
    return historyToJSON(await environment.client.workflow.getHandle(handle.workflowId, runId).fetchHistory());
  });
}

describeReplays(
  path.join(import.meta.dirname, '__histories__'),
  Object.entries(scripts).map(([name, script]) => ({ name, mutation: script.mutation, workflowId: composeRuleWorkflowId(name), record: (environment) => record(environment, name, script) })),
);
