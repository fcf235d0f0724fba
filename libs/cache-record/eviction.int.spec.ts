import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { inTransaction, query } from '../database/sql.js';
import type { CacheRecord, EvictionLimits } from './cache-record.js';
import { by, digestOf, draftOf, nameOf, recordedCache, reference } from './__fixtures__/recorded-cache.js';

const { database, record, pass, push, announced, now } = recordedCache();
const hour = 3600;

const evict = (given: Partial<EvictionLimits> = {}): ReturnType<CacheRecord['evict']> =>
  record().evict('main', { toBytes: 0, unusedSince: undefined, limit: 1000, dryRun: false, reason: 'quota', by, ...given });
const there = async (...texts: readonly string[]): Promise<string[]> => {
  // Asking keeps what is asked for; the spec only looks.
  const rows = await query<{ hash: string }>(database(), `select encode(hash, 'hex') as hash from cache_blobs where present`);
  return texts.filter((text) => rows.some(({ hash }) => hash === digestOf(text).hash));
};
const events = async (): Promise<unknown[]> =>
  (await query<{ data: string }>(database(), `select data from events where stream_id = 'artifact-cache:main' order by position desc limit 1`)).map(({ data }) => JSON.parse(data) as unknown);

describe('eviction from the cache record', () => {
  beforeEach(async () => {
    pass(10 * hour);
    await evict();
    expect(await record().usage('main')).toEqual({ bytes: 0, blobs: 0, entries: 0, kept: 0, exported: 0 });
  });

  it('takes what was used longest ago until there is room', async () => {
    await push('aaaa');
    pass(10);
    await push('bbbb');
    pass(10);
    await push('cccc');
    pass(2 * hour);
    expect(await evict({ toBytes: 8 })).toEqual({ entries: 0, blobs: 1, bytes: 4, more: false });
    expect(await there('aaaa', 'bbbb', 'cccc')).toEqual(['bbbb', 'cccc']);
    expect(await events()).toEqual([{ entries: 0, blobs: 1, bytes: 4, reason: 'quota', by }]);
  });

  it('goes by the last use, not by the first', async () => {
    await push('old');
    pass(hour);
    await push('new');
    pass(hour);
    await record().present('main', [digestOf('old')]);
    pass(2 * hour);
    expect((await evict({ toBytes: 3 })).blobs).toBe(1);
    expect(await there('old', 'new')).toEqual(['old']);
  });

  it('never takes what is leased, whatever the quota', async () => {
    await push('asked', 'forgotten');
    pass(hour - 1);
    await record().present('main', [digestOf('asked')]);
    pass((hour * 3) / 4);
    expect((await evict()).blobs).toBe(1);
    expect(await there('asked', 'forgotten')).toEqual(['asked']);
  });

  it('keeps what was reported present for three quarters of the lease, also when its use was just too young to be written', async () => {
    await push('young');
    pass(hour / 8);
    expect(await record().present('main', [digestOf('young')])).toEqual([true]);
    pass((hour * 3) / 4);
    expect((await evict()).blobs).toBe(0);
    pass(hour / 8);
    expect((await evict()).blobs).toBe(0);
    pass(1);
    expect((await evict()).blobs).toBe(1);
  });

  it('takes the blobs of an entry only after it, directories and what is in them too', async () => {
    await push('root', 'file', 'shared');
    await record().expandBlob('main', digestOf('root'), 'directory', [reference('file'), reference('shared')]);
    await record().putEntry(draftOf('kept', { target: reference('root', 'directory'), value: Buffer.alloc(10) }), by);
    pass(2 * hour);
    expect((await record().findEntry(nameOf('kept')))?.complete).toBe(true);
    expect(await evict()).toMatchObject({ entries: 0, blobs: 0 });
    expect(await there('root', 'file', 'shared')).toHaveLength(3);
    pass(hour - 1);
    expect(await evict()).toMatchObject({ entries: 0, blobs: 0 });
    pass(2);
    expect(await evict()).toEqual({ entries: 1, blobs: 3, bytes: 24, more: false });
    expect((await record().history(nameOf('kept'))).map(({ type, data }) => [type, (data as { reason?: string }).reason])).toEqual([
      ['CacheEntryPushed', undefined],
      ['CacheEntryRemoved', 'evicted'],
    ]);
  });

  it('keeps a blob that another entry needs', async () => {
    await push('common', 'alone');
    await record().putEntry(draftOf('first', { references: [reference('common'), reference('alone')] }), by);
    pass(60);
    await record().putEntry(draftOf('second', { references: [reference('common')] }), by);
    pass(hour - 30);
    expect(await evict()).toMatchObject({ entries: 1, blobs: 1 });
    expect(await there('common', 'alone')).toEqual(['common']);
    expect((await record().findEntry(nameOf('second')))?.complete).toBe(true);
  });

  it('keeps for a lease what a removed or replaced entry had needed, because it was found a moment ago', async () => {
    await push('of removed', 'of replaced');
    await record().putEntry(draftOf('removed', { references: [reference('of removed')] }), by);
    await record().putEntry(draftOf('replaced', { references: [reference('of replaced')] }), by);
    pass(2 * hour);
    await record().findEntry(nameOf('removed'));
    await record().findEntry(nameOf('replaced'));
    await record().removeEntry(nameOf('removed'), by, 'removed');
    await record().putEntry(draftOf('replaced'), by);
    await evict();
    expect(await there('of removed', 'of replaced')).toHaveLength(2);
    pass(hour + 1);
    await evict();
    expect(await there('of removed', 'of replaced')).toEqual([]);
  });

  it('makes garbage of objects in the same transaction', async () => {
    await announced('big', 'main/big-1');
    pass(2 * hour);
    expect(await evict()).toMatchObject({ blobs: 1 });
    expect(await record().garbage('main', 10)).toEqual(['main/big-1']);
    await record().forgetGarbage('main', ['main/big-1']);
    expect(await announced('big', 'main/big-2')).toEqual([true]);
    expect(await record().locate('main', [digestOf('big')])).toEqual([{ object: 'main/big-2' }]);
  });

  it('takes what is too old, although there is room', async () => {
    await push('ancient');
    await record().putEntry(draftOf('ancient'), by);
    pass(20 * hour);
    await push('recent');
    pass(2 * hour);
    const unusedSince = new Date(now().getTime() - 10 * hour * 1000).toISOString();
    expect(await evict({ toBytes: undefined, unusedSince, reason: 'age' })).toEqual({ entries: 1, blobs: 1, bytes: 13, more: false });
    expect(await there('ancient', 'recent')).toEqual(['recent']);
    expect(await evict({ toBytes: undefined, unusedSince: now().toISOString(), reason: 'age' })).toMatchObject({ blobs: 1 });
  });

  it('takes entries that have expired, and no more than it may in one step', async () => {
    const expiresAt = new Date(now().getTime() + 1000).toISOString();
    for (const key of ['e1', 'e2', 'e3']) await record().putEntry(draftOf(key, { expiresAt }), by);
    pass(60);
    expect(await evict({ limit: 2, toBytes: 1_000_000 })).toMatchObject({ entries: 2, more: true });
    expect(await evict({ limit: 2, toBytes: 1_000_000 })).toMatchObject({ entries: 1, more: false });
    expect((await record().history(nameOf('e1'))).at(-1)?.data).toEqual({ reason: 'expired', by });
  });

  it('tells in a dry run what a whole round would take, and changes nothing', async () => {
    for (let index = 0; index < 16; index += 1) {
      await push(`root ${index}`, `file ${index}`, `shared ${index % 4}`, `loose ${index}`);
      await record().expandBlob('main', digestOf(`root ${index}`), 'directory', [reference(`file ${index}`), reference(`shared ${index % 4}`), reference('absent')]);
      await record().putEntry(draftOf(`dry ${index}`, { target: reference(`root ${index}`, 'directory'), references: [reference(`shared ${index % 3}`)] }), by);
      pass(60);
    }
    await record().putEntry(draftOf('dry expired', { expiresAt: now().toISOString(), references: [reference('root 1')] }), by);
    for (const index of [3, 9, 12]) await record().findEntry(nameOf(`dry ${index}`));
    await record().present('main', [digestOf('loose 2')]);
    pass(hour - 300);
    const before = await record().usage('main');
    const dry = await evict({ toBytes: 160, limit: 10, dryRun: true });
    expect(await record().usage('main')).toEqual(before);
    const sum = { entries: 0, blobs: 0, bytes: 0 };
    for (let more = true; more; ) {
      const { more: again, ...step } = await evict({ toBytes: 160, limit: 7 });
      sum.entries += step.entries;
      sum.blobs += step.blobs;
      sum.bytes += step.bytes;
      more = again;
    }
    // Entries go in bunches, the more the longer a step goes on.
    expect(sum.entries).toBeGreaterThan(3);
    expect(Math.abs(sum.entries - dry.entries)).toBeLessThanOrEqual(7);
    expect(Math.abs(sum.bytes - dry.bytes)).toBeLessThanOrEqual(100);
    pass(2 * hour);
    const whole = await evict({ dryRun: true });
    expect(await evict()).toMatchObject({ entries: whole.entries, bytes: whole.bytes });
    expect(whole.bytes).toBeGreaterThan(0);
    expect(await record().usage('main')).toMatchObject({ bytes: 0, entries: 0 });
  });

  it.each([
    ['used', 'used_at = $2'],
    ['needed by something', `counted = counted + 1, used_at = $2::timestamptz - interval '1 day'`],
  ])('looks again at what was %s while it waited for it', async (_, change) => {
    await push('wanted', 'unwanted');
    pass(2 * hour);
    const evicting = await inTransaction(database(), async ({ sql }) => {
      await sql(`update cache_blobs set ${change} where hash = decode($1, 'hex')`, [digestOf('wanted').hash, now().toISOString()]);
      const step = evict();
      while ((await query(database(), `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length === 0) await pause(10);
      return { step };
    });
    expect((await evicting.step).blobs).toBe(1);
    expect(await there('wanted', 'unwanted')).toEqual(['wanted']);
    await query(database(), 'update cache_blobs set counted = 0');
  });

  it('has who asks told the truth about what is being evicted', async () => {
    await push('going', 'staying');
    pass(hour);
    const asking = await inTransaction(database(), async ({ sql }) => {
      await sql(`delete from cache_blobs where hash = decode($1, 'hex')`, [digestOf('going').hash]);
      const answer = record().present('main', [digestOf('going'), digestOf('staying')]);
      while ((await query(database(), `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length === 0) await pause(10);
      return { answer };
    });
    expect(await asking.answer).toEqual([false, true]);
    await query(database(), `update cache_usage set bytes = bytes - 5, blobs = blobs - 1 where (instance, shard) = (select instance, min(shard) from cache_usage where instance = 'main' group by instance)`);
  });

  it('leaves the other instances alone', async () => {
    await record().commitBlobs('other', [{ digest: digestOf('elsewhere'), place: { content: Buffer.from('elsewhere') } }], by);
    pass(2 * hour);
    expect(await evict()).toMatchObject({ blobs: 0 });
    expect(await record().present('other', [digestOf('elsewhere')])).toEqual([true]);
    await expect(record().evict('none', { toBytes: 0, unusedSince: undefined, limit: 1, dryRun: true, reason: 'quota', by })).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
