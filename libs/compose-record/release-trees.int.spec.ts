import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { query } from '../database/sql.js';
import { specDatabase } from '../testing/spec-database.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';

const record = specDatabase();

const commands = () => createComposeCommands(record.database, { composeUrl: 'https://composes.test', secondsToLive: 86_400, maximumSecondsToLive: 259_200 });
const { fresh, pinned, done, removed } = composeLives(commands);
const release = async (): Promise<readonly number[]> => (await commands().releasableTrees(1000)).map(({ id }) => id);

/** Runs two commands to the point where both want to write, the first before the second, and lets them go. */
async function atOnce<First, Second>(first: () => Promise<First>, second: () => Promise<Second>): Promise<readonly [First, Second]> {
  const holder = new Client({ connectionString: record.url });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('lock table composes in exclusive mode');
    const one = first();
    await waitForBlocked(1);
    const two = second();
    await waitForBlocked(2);
    await holder.query('commit');
    return await Promise.all([one, two]);
  } finally {
    await holder.end();
  }
}

async function waitForBlocked(count: number): Promise<void> {
  for (;;) {
    const rows = await query(record.database, `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
    if (rows.length >= count) return;
    await pause(5);
  }
}

describe('deleting files', () => {
  it('is done by two cleanups at once without harm, and only for as long as it takes', async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => removed()));
    const [one, two] = await Promise.all([release(), release()]);
    expect([...new Set([...one, ...two])].sort((a, b) => a - b)).toEqual([...ids].sort((a, b) => a - b));
    // What a killed cleanup left is named again until it is deleted.
    expect([...(await release())].sort((a, b) => a - b)).toEqual([...ids].sort((a, b) => a - b));
    expect(await commands().releasableTrees(2)).toHaveLength(2);
    await Promise.all([...ids, ...ids].map((id) => commands().forgetTree({ id, targetDir: 'default' })));
    expect(await release()).toEqual([]);
  });

  it('does not happen when a claim has promised them first', async () => {
    const request = fresh();
    const id = await removed(request);
    const claimant = await pinned(request);
    const [claim, released] = await atOnce(() => commands().claimTree(claimant), release);
    expect({ claim, released }).toEqual({ claim: { kind: 'reuse', tree: { id, targetDir: 'default' } }, released: [] });
    await commands().remove(claimant, 'ann');
    await commands().expire(claimant);
    expect(await release()).toEqual([id]);
    await commands().forgetTree({ id, targetDir: 'default' });
  });

  it('makes a claim that comes later generate anew', async () => {
    const request = fresh();
    const id = await removed(request);
    const claimant = await pinned(request);
    const [released, claim] = await atOnce(release, () => commands().claimTree(claimant));
    expect({ claim, released }).toEqual({ claim: { kind: 'generate', tree: { id: claimant, targetDir: 'default' } }, released: [id] });
    await commands().forgetTree({ id, targetDir: 'default' });
  });

  it('waits for the compose that may still write them', async () => {
    const request = fresh();
    const leader = await pinned(request);
    await commands().claimTree(leader);
    await commands().unpin(leader, 'changed');
    expect(await release()).toEqual([]);
    // The same compose makes other files in the same directory, or takes those of another.
    await done(request);
    await commands().pin(leader, pinnedInputs(request));
    expect(await commands().claimTree(leader)).toMatchObject({ kind: 'reuse' });
    expect(await release()).toEqual([leader]);
    await expect(commands().complete(leader, generatedTree(leader))).resolves.toMatchObject({ state: 'done' });
  });
});
