import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { composeRequest, generatedTree, pinnedInputs } from '../../libs/compose-record/__fixtures__/composes.js';
import { createComposeCommands } from '../../libs/compose-record/create-compose-commands.js';
import { createOverdueComposes } from '../../libs/compose-record/overdue-composes.js';
import { createStoredComposes } from '../../libs/compose-record/stored-composes.js';
import { query } from '../../libs/database/sql.js';
import { startHeldSource } from './__fixtures__/held-source.js';
import { workComposes } from './__fixtures__/worked-composes.js';
import { sweepComposes } from './compose-sweep.js';
import { sweepComposeStorage } from './storage-sweep.js';
import type { HeldSource } from './__fixtures__/held-source.js';
import type { WorkedComposes } from './__fixtures__/worked-composes.js';

const log = pino({ level: 'silent' });
let source: HeldSource;
let composes: WorkedComposes;

beforeAll(async () => {
  source = await startHeldSource();
  composes = await workComposes();
}, 120_000);
afterAll(async () => {
  await composes?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
}, 60_000);

const sweep = (changes: Partial<Parameters<typeof sweepComposes>[0]> = {}) => sweepComposes({ overdue: createOverdueComposes(composes.database), commands: composes.commands, workflows: composes.workflows, log, ...changes });
const sweepStorage = () => sweepComposeStorage({ stored: createStoredComposes(composes.database), commands: composes.commands, engine: composes.engine, signal: new AbortController().signal, log });
const terminate = (id: number) => composes.client.workflow.getHandle(`compose:${id}`).terminate('as an operator may');
/** A compose that was done so many seconds ago, to live for an hour, and has no workflow. */
async function recordedBefore(seconds: number): Promise<number> {
  const commands = createComposeCommands(composes.database, { composeUrl: 'http://composes.test', secondsToLive: 3600, maximumSecondsToLive: 3600, now: () => new Date(Date.now() - seconds * 1000) });
  const request = composeRequest({ source: [`https://packages.test/${seconds}`], secondsToLive: 3600 });
  const { id } = (await commands.request(request, { owner: 'spec' })).compose;
  await query(composes.database, 'delete from compose_outbox where compose_id = $1', [id]);
  await commands.begin(id);
  await commands.pin(id, pinnedInputs(request));
  await commands.claimTree(id);
  await commands.complete(id, generatedTree(id));
  return id;
}
const away = () => Promise.reject(Object.assign(new Error('away'), { name: 'MillraceError', code: 'workflow-engine-unavailable' }));

describe('the sweep of composes', () => {
  it('gives a compose whose workflow was terminated a new one, which goes on', async () => {
    const url = source.repository('terminated');
    source.hold('terminated');
    const { id } = await composes.ask({ source: [url] });
    await source.reached('terminated');
    await terminate(id);
    await sweep();
    expect((await composes.client.workflow.getHandle(`compose:${id}`).describe()).status.name).toBe('TERMINATED');
    await query(composes.database, `update composes set submitted_at = now() - interval '2 minutes' where id = $1`, [id]);
    await Promise.all([sweep(), sweep()]);
    source.release('terminated');
    expect(await composes.ended(id)).toMatchObject({ state: 'done' });
  }, 60_000);

  it('removes, by the record’s clock, what no workflow removes, with Temporal or without', async () => {
    const left = await recordedBefore(7200);
    const running = await recordedBefore(60);
    mkdirSync(path.join(composes.directory, `odcs-${left}`, 'compose'), { recursive: true });
    mkdirSync(path.join(composes.directory, `odcs-${running}`, 'compose'), { recursive: true });
    await Promise.all([1, 2].map(() => sweep({ workflows: { start: away, changed: away } })));
    expect(await composes.get(left)).toMatchObject({ state: 'removed' });
    expect(await composes.get(running)).toMatchObject({ state: 'done' });
    await Promise.all([sweepStorage(), sweepStorage()]);
    expect([left, running].map((id) => composes.has(id))).toEqual([false, true]);
  }, 60_000);
});

describe('the sweep of storage', () => {
  it('keeps the files of composes that are there, under way or shared, and deletes those that nobody knows', async () => {
    const url = source.repository('shared');
    const original = await composes.ask({ source: [url] });
    await composes.ended(original.id);
    const reuser = await composes.ask({ source: [url] });
    expect(await composes.ended(reuser.id)).toMatchObject({ reusedId: original.id });
    await composes.workflows.remove(original.id, 'spec', { deadline: 20_000 });
    await composes.until(original.id, ({ state }) => state === 'removed');
    const goingUrl = source.repository('going');
    source.hold('going');
    const going = await composes.ask({ source: [goingUrl] });
    await source.reached('going');
    const stranger = path.join(composes.directory, 'odcs-4242');
    mkdirSync(path.join(stranger, 'compose'), { recursive: true });
    await Promise.all([sweepStorage(), sweepStorage()]);
    expect(existsSync(stranger)).toBe(false);
    expect(composes.has(original.id, 'compose', 'Temporary')).toBe(true);
    source.release('going');
    expect(await composes.ended(going.id)).toMatchObject({ state: 'done' });
    await composes.workflows.remove(reuser.id, 'spec', { deadline: 20_000 });
    await composes.client.workflow.getHandle(`compose:${reuser.id}`).result();
    expect(composes.has(original.id)).toBe(false);
  }, 60_000);
});
