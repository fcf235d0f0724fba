import { describe, expect, it } from '@jest/globals';
import { createComposeCommands } from '../compose-record/create-compose-commands.js';
import { noCounts } from '../compose-rules/rule-counts.js';
import { query } from '../database/sql.js';
import { busMessage } from '../testing/compose-rule.js';
import { composeRequest } from '../testing/compose-request.js';
import { specDatabase } from '../testing/spec-database.js';
import { createRuleRecord } from './create-rule-record.js';
import { createIncomingMessages } from './incoming-messages.js';
import { createRuleChains } from './rule-causes.js';

const spec = specDatabase();

const commands = () => createComposeCommands(spec.database, { composeUrl: 'http://composes.test', secondsToLive: 60, maximumSecondsToLive: 60 });
const cause = { rule: 'a', key: 'f41', position: 7, replay: '', attempt: 1, chain: ['b', 'a'] };

describe('the record of a rule', () => {
  it('begins after the newest message, once', async () => {
    const incoming = createIncomingMessages(spec.database);
    const record = createRuleRecord(spec.database);
    await incoming.accept(busMessage(1, { id: '1' }));
    await record.register(['early']);
    await incoming.accept(busMessage(2, { id: '2' }));
    await record.register(['early', 'late']);
    expect((await record.list()).map(({ name, position, settled, behind }) => ({ name, position, settled, behind }))).toEqual([
      { name: 'early', position: 1, settled: 1, behind: 1 },
      { name: 'late', position: 2, settled: 2, behind: 0 },
    ]);
    await incoming.close();
  });

  it('keeps progress, pauses and what went wrong', async () => {
    const record = createRuleRecord(spec.database);
    await record.register(['kept']);
    await record.note('kept', { position: 9, settled: 5, counts: { ...noCounts, matched: 3 }, problem: 'gate\0closed' });
    await record.pause('kept', 'ann');
    await record.pause('kept', 'bob');
    expect(await record.get('kept')).toMatchObject({ position: 9, settled: 5, counts: { matched: 3, loops: 0 }, problem: 'gateclosed', pausedBy: 'ann', pausedAt: expect.stringMatching(/Z$/), retiredAt: null });
    await record.resume('kept');
    expect(await record.get('kept')).toMatchObject({ pausedBy: null, pausedAt: null });
  });

  it('lets a rule that was retired for a moment go on, and one that was long gone begin anew', async () => {
    const record = createRuleRecord(spec.database);
    await record.register(['gone']);
    await record.note('gone', { position: 1, settled: 1, counts: noCounts, problem: null });
    await record.retire('gone');
    expect((await record.get('gone')).retiredAt).not.toBeNull();
    await record.register(['gone']);
    expect(await record.get('gone')).toMatchObject({ settled: 1, retiredAt: null });
    await query(spec.database, `update compose_rules set retired_at = now() - interval '2 hours' where name = 'gone'`);
    await record.register(['gone']);
    expect(await record.get('gone')).toMatchObject({ position: 2, settled: 2, retiredAt: null });
  });

  it('knows only the rules that there are', async () => {
    const record = createRuleRecord(spec.database);
    for (const call of [() => record.get('none'), () => record.pause('none', 'ann'), () => record.note('none', { position: 1, settled: 1, counts: noCounts, problem: null })]) await expect(call()).rejects.toMatchObject({ code: 'rule-not-found' });
  });
});

describe('a cause', () => {
  it('makes one compose, however often and by however many it is asked for', async () => {
    const requests = await Promise.all(Array.from({ length: 8 }, () => commands().request(composeRequest(), { owner: 'rule:a', cause })));
    const ids = new Set(requests.map(({ compose }) => compose.id));
    expect([ids.size, requests.filter(({ repeated }) => !repeated)]).toEqual([1, [expect.anything()]]);
    const later = await commands().request(composeRequest({ packages: ['other'] }), { owner: 'rule:a', cause });
    expect([later.repeated, ids.has(later.compose.id)]).toEqual([true, true]);
    const replayed = await commands().request(composeRequest(), { owner: 'rule:a', cause: { ...cause, replay: 'r' } });
    expect(ids.has(replayed.compose.id)).toBe(false);
    expect(await createRuleRecord(spec.database).composes('a', 1)).toMatchObject([{ composeId: replayed.compose.id, key: 'f41', position: 7, replay: 'r', attempt: 1, chain: ['b', 'a'] }]);
  });

  it('is known from the message about the compose, and from nobody else’s', async () => {
    const { compose } = await commands().request(composeRequest(), { owner: 'rule:a', cause: { ...cause, position: 8 } });
    const [row] = await query<{ body: string }>(spec.database, 'select body from outbound_messages where stream_id = $1', [`compose:${compose.id}`]);
    const body = JSON.parse(row?.body ?? '') as { record: string };
    const chains = createRuleChains(spec.database);
    expect(await chains.of(body)).toEqual(['b', 'a']);
    expect(await chains.of({ event: 'compose-name-changed', compose_id: compose.id, record: body.record })).toEqual(['b', 'a']);
    const strangers = [{ ...body, record: 'another' }, { ...body, compose: { id: 999 } }, { ...body, compose: null }, { compose: { id: compose.id } }, { ...body, compose: { id: String(compose.id) } }, null, 'text', []];
    for (const stranger of strangers) expect(await chains.of(stranger)).toEqual([]);
  });
});
