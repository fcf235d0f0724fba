import { readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createComposeNames } from '../../libs/compose-names/create-compose-names.js';
import { readNameLink } from '../../libs/compose-names/name-places.js';
import { query } from '../../libs/database/sql.js';
import { startHeldSource } from './__fixtures__/held-source.js';
import { workComposes } from './__fixtures__/worked-composes.js';
import type { HeldSource } from './__fixtures__/held-source.js';
import type { WorkedComposes } from './__fixtures__/worked-composes.js';

const patience = { deadline: 20_000 };
let source: HeldSource;
let composes: WorkedComposes;

beforeAll(async () => {
  source = await startHeldSource();
  composes = await workComposes({ MILLRACE_COMPOSE_NAME_GRACE: '1' });
}, 120_000);
afterAll(async () => {
  await composes?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
}, 60_000);

const names = () => createComposeNames(composes.database, { composeUrl: 'http://composes.test', graceSeconds: 1 });
const by = { by: 'spec' };

async function renewals(id: number): Promise<readonly unknown[]> {
  const rows = await query<{ data: string }>(composes.database, `select data from events where stream_id = $1 and type = 'ComposeRenewed' order by position`, [`compose:${id}`]);
  return rows.map(({ data }) => (JSON.parse(data) as { by: unknown }).by);
}

describe('a compose with a name', () => {
  it('is kept by its workflow past its time, whoever cancels that, until the name has gone', async () => {
    const { id } = await composes.ask({ source: [source.repository('named')], secondsToLive: 6 });
    expect(await composes.ended(id)).toMatchObject({ state: 'done' });
    await names().promote('nightly', id, by);
    while ((await readNameLink(composes.directory, 'nightly')) === undefined) await pause(50);
    expect(readlinkSync(path.join(composes.directory, 'latest/nightly'))).toBe(`../odcs-${id}`);
    while ((await renewals(id)).length < 1) await pause(50);
    expect(new Set(await renewals(id))).toEqual(new Set(['name:nightly']));
    await expect(composes.workflows.remove(id, 'spec', patience)).rejects.toMatchObject({ code: 'resources-in-use' });
    await composes.client.workflow.getHandle(`compose:${id}`).cancel();
    const before = (await renewals(id)).length;
    while ((await renewals(id)).length === before) await pause(50);
    expect(composes.has(id, 'COMPOSE_ID')).toBe(true);
    await names().remove('nightly', 'spec');
    await composes.client.workflow.getHandle(`compose:${id}`).result();
    expect(await composes.get(id)).toMatchObject({ state: 'removed', removedBy: null });
    expect(composes.has(id)).toBe(false);
    while ((await readNameLink(composes.directory, 'nightly')) !== undefined) await pause(50);
  }, 60_000);
});
