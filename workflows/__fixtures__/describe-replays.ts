import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { bundle } from '../../temporal/workflow-bundle.js';
import { installQuietRuntime, startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { secretsIn } from './secrets-in-history.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

/** What a mutation changes in the bundle: text that is there, and what it becomes. */
export type Mutation = readonly [RegExp, string];

export interface ReplayedScenario {
  readonly name: string;
  readonly workflowId: string;
  /** What looks like a token in its history and is none. */
  readonly identifiers?: readonly string[];
  /** A change of the workflow that must make the replay of this history fail. */
  readonly mutation: Mutation;
  /** Plays it and answers with its whole history as JSON that replays. */
  record(environment: TestWorkflowEnvironment): Promise<string>;
}

/**
 * Replays whole histories that were recorded before, so that a change of the workflow cannot strand what is under way while it is deployed.
 * `MILLRACE_RECORD_HISTORIES=1` records them anew: do that for a new scenario, never to make a spec pass.
 */
export function describeReplays(directory: string, scenarios: readonly ReplayedScenario[]): void {
  const fileOf = (name: string): string => path.join(directory, `${name}.json`);
  const read = (name: string): unknown => JSON.parse(readFileSync(fileOf(name), 'utf8'));
  let code: string;

  async function recordAll(): Promise<void> {
    mkdirSync(directory, { recursive: true });
    const environment = await startTimeSkipping();
    try {
      for (const scenario of scenarios) writeFileSync(fileOf(scenario.name), `${JSON.stringify(JSON.parse(await scenario.record(environment)))}\n`);
    } finally {
      await environment.teardown();
    }
  }

  function mutated([from, to]: Mutation): string {
    const changed = code.replace(from, to);
    if (changed === code) throw new Error(`the mutation ${from} changes nothing: the workflow has changed, so change the mutation`);
    return changed;
  }

  const replay = (workflowCode: string, { name, workflowId }: ReplayedScenario): Promise<void> => Worker.runReplayHistory({ workflowBundle: { code: workflowCode }, replayName: name }, read(name), workflowId);

  beforeAll(async () => {
    if (process.env['MILLRACE_RECORD_HISTORIES'] === '1') await recordAll();
    else installQuietRuntime();
    ({ code } = await bundle(path.resolve(import.meta.dirname, '../index.ts')));
  }, 300_000);

  describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('the recorded history "%s"', (name, scenario) => {
    it('is whole', () => {
      const { events } = read(name) as { events: { eventId: string; eventType: string }[] };
      expect(events.map((event) => Number(event.eventId))).toEqual(events.map((_, index) => index + 1));
      expect(events[0]?.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED');
      expect(events.at(-1)?.eventType).toMatch(/^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED|CONTINUED_AS_NEW)$/);
    });

    it('replays with the workflow of today', async () => {
      await replay(code, scenario);
    });

    it('does not replay with a workflow that does something else', async () => {
      await expect(replay(mutated(scenario.mutation), scenario)).rejects.toThrow(/nondeterminism|determinism/i);
    });

    it('holds no token and no secret', () => {
      expect(secretsIn(read(name), scenario.identifiers)).toEqual([]);
    });
  });

  describe('the recorded histories', () => {
    it('are those of the scenarios, no more and no fewer', () => {
      expect(readdirSync(directory).sort()).toEqual(scenarios.map((scenario) => `${scenario.name}.json`).sort());
    });
  });
}
