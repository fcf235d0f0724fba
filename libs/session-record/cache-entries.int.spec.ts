import { describe, expect, it } from '@jest/globals';
import { createCacheRecord } from '../cache-record/create-cache-record.js';
import type { EntryDraft } from '../cache/cache-entry.js';
import type { CacheInstance } from '../cache/cache-instance.js';
import { query } from '../database/sql.js';
import { specDatabase } from '../testing/spec-database.js';
import { createSessionCommands } from './create-session-commands.js';
import { createSessionReads } from './create-session-reads.js';
import { createSessionTokens } from './session-tokens.js';
import { openCommand } from './__fixtures__/traffic-events.js';

const main = { name: 'main', quota: { high: 1e9, low: 1e8 }, limit: 2e9, lease: 3600, maximumAge: undefined, blobBytes: 1e9, evictionPaused: false } as CacheInstance;
const target = { function: 'sha256', hash: 'a'.repeat(64), size: 3 } as const;
const draft = (key: string): EntryDraft => ({ instance: 'main', kind: 'blob', key, qualifiers: { platform: 'x' }, target: { digest: target, shape: 'plain' }, value: undefined, references: [], properties: {}, expiresAt: undefined, origin: {} });

describe('sessions and the cache', () => {
  const record = specDatabase();
  const commands = () => createSessionCommands(record.database);
  const reads = () => createSessionReads(record.database, { version: '0', inspectors: [], spoolRoot: '/spool' });
  const cache = () => createCacheRecord(record.database, { instances: new Map([['main', main]]) });

  it('a token is good for its own session, while that is open and has not run out', async () => {
    const { check } = createSessionTokens(record.database);
    const [one, other] = [openCommand({ owner: 'ci' }), openCommand()];
    for (const command of [one, other]) await commands().open(command);
    expect(await check(one.sessionId, one.token)).toEqual({ owner: 'ci' });
    for (const [id, token] of [[one.sessionId, other.token], [one.sessionId, ''], [one.sessionId, `${one.token}x`], ['f'.repeat(32), one.token], [`${one.sessionId}'`, one.token], ['', '']] as const) expect(await check(id, token)).toBeUndefined();
    await query(record.database, `update sessions set expires_at = now() - interval '1 second' where id = $1`, [other.sessionId]);
    expect(await check(other.sessionId, other.token)).toBeUndefined();
    await commands().revoke(one.sessionId, 'spec');
    expect(await check(one.sessionId, one.token)).toBeUndefined();
  });

  it('a session lists what it took and pushed, page by page and in its report', async () => {
    const command = openCommand();
    await commands().open(command);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    for (const key of keys) await cache().putEntry(draft(key), 'spec');
    for (const key of keys) await cache().recordTaking(command.sessionId, draft(key), 'pulled');
    await cache().recordTaking(command.sessionId, draft('a'), 'pushed');
    const first = await reads().cacheEntries(command.sessionId, { limit: 2 });
    const second = await reads().cacheEntries(command.sessionId, { limit: 2, cursor: first.nextCursor ?? '' });
    const third = await reads().cacheEntries(command.sessionId, { limit: 2, cursor: second.nextCursor ?? '' });
    expect(third.nextCursor).toBeNull();
    const all = [...first.items, ...second.items, ...third.items];
    expect(all.map(({ key }) => key).sort()).toEqual(keys);
    const one = all.find(({ key }) => key === 'a');
    expect(one).toEqual({ instance: 'main', kind: 'blob', key: 'a', qualifiers: { platform: 'x' }, how: 'pushed', at: expect.stringMatching(/Z$/), target: `sha256:${target.hash}/3` });
    await commands().revoke(command.sessionId, 'spec');
    expect((await reads().report(command.sessionId))['cache-entries']).toEqual(all);
    await expect(reads().cacheEntries(command.sessionId, { limit: 2, cursor: Buffer.from('["main","blob","zz"]').toString('base64url') })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('a session that took nothing says nothing of the cache, and one that leaves no record leaves none of this', async () => {
    const [plain, taking] = [openCommand(), openCommand({ retain: false })];
    for (const command of [plain, taking]) await commands().open(command);
    await commands().revoke(plain.sessionId, 'spec');
    expect(await reads().report(plain.sessionId)).not.toHaveProperty('cache-entries');
    await cache().recordTaking(taking.sessionId, draft('gone'), 'pulled');
    const { isKept } = createSessionTokens(record.database);
    expect(await isKept(taking.sessionId)).toBe(true);
    await commands().end(taking.sessionId, 'spec');
    expect([await isKept(taking.sessionId), await isKept(plain.sessionId)]).toEqual([false, true]);
    expect(await cache().takings(taking.sessionId)).toEqual([]);
  });
});
