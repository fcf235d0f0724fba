import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { bundle } from '../../temporal/workflow-bundle.js';
import { secretsIn } from '../__fixtures__/secrets-in-history.js';
import { installQuietRuntime, startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { recordScenario, scenarios } from './__fixtures__/recorded-scenarios.js';
import { composeWorkflowId } from './compose-messages.js';
import type { Mutation, Scenario } from './__fixtures__/recorded-scenarios.js';

/**
 * Replays whole histories that were recorded before, so that a change of the workflow cannot strand composes that are under way while it is deployed.
 * `MILLRACE_RECORD_HISTORIES=1` records them anew: do that for a new scenario, never to make this spec pass.
 */
const here = path.dirname(fileURLToPath(import.meta.url));
const directory = path.join(here, '__histories__');
const fileOf = (name: string): string => path.join(directory, `${name}.json`);
const read = (name: string): unknown => JSON.parse(readFileSync(fileOf(name), 'utf8'));

let code: string;
beforeAll(async () => {
  if (process.env['MILLRACE_RECORD_HISTORIES'] === '1') await recordAll();
  else installQuietRuntime();
  ({ code } = await bundle(path.resolve(here, '../index.ts')));
}, 300_000);

async function recordAll(): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const environment = await startTimeSkipping();
  try {
    for (const scenario of scenarios) writeFileSync(fileOf(scenario.name), `${JSON.stringify(JSON.parse(await recordScenario(environment, scenario)))}\n`);
  } finally {
    await environment.teardown();
  }
}

function mutated([from, to]: Mutation): string {
  const changed = code.replace(from, to);
  if (changed === code) throw new Error(`the mutation ${from} changes nothing: the workflow has changed, so change the mutation`);
  return changed;
}

const replay = (workflowCode: string, { name, composeId }: Scenario): Promise<void> => Worker.runReplayHistory({ workflowBundle: { code: workflowCode }, replayName: name }, read(name), composeWorkflowId(composeId));

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('the recorded history "%s"', (name, scenario) => {
  it('is whole', () => {
    const { events } = read(name) as { events: { eventId: string; eventType: string }[] };
    expect(events.map((event) => Number(event.eventId))).toEqual(events.map((_, index) => index + 1));
    expect(events[0]?.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED');
    expect(events.at(-1)?.eventType).toMatch(/^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|CONTINUED_AS_NEW)$/);
  });

  it('replays with the workflow of today', async () => {
    await replay(code, scenario);
  });

  it('does not replay with a workflow that does something else', async () => {
    await expect(replay(mutated(scenario.mutation), scenario)).rejects.toThrow(/nondeterminism|determinism/i);
  });

  it('holds no token and no secret', () => {
    expect(secretsIn(read(name))).toEqual([]);
  });
});

describe('the recorded histories', () => {
  it('are those of the scenarios, no more and no fewer', () => {
    expect(readdirSync(directory).sort()).toEqual(scenarios.map((scenario) => `${scenario.name}.json`).sort());
  });
});
