import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startHeldSource } from '../../apps/worker/__fixtures__/held-source.js';
import type { HeldSource } from '../../apps/worker/__fixtures__/held-source.js';
import { composeClient, watchRepository } from './compose-client.js';
import type { ComposeClient } from './compose-client.js';
import { startFaultService } from './fault-service.js';
import type { FaultService } from './fault-service.js';
import { until } from './until.js';

let source: HeldSource;
let service: FaultService;
let composes: ComposeClient;

beforeAll(async () => {
  source = await startHeldSource();
  service = await startFaultService({ proxies: 1, settings: { MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.0/8', MILLRACE_COMPOSE_CONCURRENCY: '2' } });
  composes = composeClient(service);
}, 180_000);
afterAll(async () => {
  await service?.stop();
  await source?.[Symbol.asyncDispose]();
}, 60_000);

describe('a compose, while a process is killed -9 in the middle of its generation', () => {
  it.each(['worker', 'gateway', 'postgres', 'temporal'])('is done in the end when it is %s, and is never seen half', async (name) => {
    const url = source.repository(name);
    source.hold(name);
    const { id, result_repo } = await composes.ask(url);
    await source.reached(name);
    const watched = watchRepository(`${result_repo}/x86_64/os`);
    await service.killPart(name);
    // Nobody waits for a time limit of generation: the next attempt stands where the first one stood.
    if (name === 'worker') await until(() => source.loads(name) >= 2);
    source.release(name);
    expect(await composes.ended(id)).toMatchObject({ state_name: 'done' });
    if (name === 'worker') expect(await composes.attempts(id)).toBe(2);
    expect(await watched.end()).toEqual([]);
    expect(service.logLines().filter((line) => /unhandled|uncaught/i.test(line))).toEqual([]);
  }, 120_000);

  it('is cancelled when somebody asked for that while there was no worker', async () => {
    const url = source.repository('cancelled');
    source.hold('cancelled');
    const { id } = await composes.ask(url);
    await source.reached('cancelled');
    const killed = service.killPart('worker');
    await composes.remove(id);
    await killed;
    source.release('cancelled');
    expect(await composes.ended(id)).toMatchObject({ state_name: 'failed', state_reason: expect.stringMatching(/^Canceled by /) as unknown });
  }, 120_000);
});

describe('many equal requests', () => {
  it('are done with the files of one of them, although the worker that made them was killed', async () => {
    const url = source.repository('equal');
    source.hold('equal');
    const asked = await Promise.all(Array.from({ length: 20 }, () => composes.ask(url)));
    await source.reached('equal');
    await service.killPart('worker');
    await until(() => source.loads('equal') >= 2);
    source.release('equal');
    const all = await Promise.all(asked.map(({ id }) => composes.ended(id)));
    expect(all.map(({ state_name }) => state_name)).toEqual(all.map(() => 'done'));
    expect(new Set(all.map(({ result_repo }) => result_repo)).size).toBe(1);
  }, 180_000);
});
