import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { verifyStream } from '../event-store/verify-stream.js';
import { by, digestOf, draftOf, nameOf, recordedCache, reference } from './__fixtures__/recorded-cache.js';
import { rebuildCacheEntries } from './rebuild-cache-entries.js';

const { database, record, pass, push, announced, now } = recordedCache();
const day = 24 * 3600;
const keys = async (options: Parameters<ReturnType<typeof record>['listEntries']>[1], instance = 'main'): Promise<string[]> => (await record().listEntries(instance, options)).entries.map(({ key }) => key);
const names = (): Promise<object[]> => query(database(), 'select * from cache_entry_names order by instance, kind, name_digest');

describe('lists of the cache record', () => {
  it('have entries by their last use, in pages, by kind and by the start of the key', async () => {
    for (const [index, key] of ['pkg/a', 'pkg/b', 'pkg%c', 'other'].entries()) {
      await record().putEntry(draftOf(key, { kind: index === 1 ? 'blob' : 'directory', origin: { session: 's', build: 'b' }, target: reference('listed') }), by);
      pass(1);
    }
    expect(await keys({ limit: 10 })).toEqual(['other', 'pkg%c', 'pkg/b', 'pkg/a']);
    expect(await keys({ limit: 10, prefix: 'pkg/' })).toEqual(['pkg/b', 'pkg/a']);
    expect(await keys({ limit: 10, prefix: 'pkg%' })).toEqual(['pkg%c']);
    expect(await keys({ limit: 10, prefix: 'pkg', kind: 'directory' })).toEqual(['pkg%c', 'pkg/a']);
    expect(await keys({ limit: 10 }, 'other')).toEqual([]);
    const first = await record().listEntries('main', { limit: 3 });
    expect(first.entries).toHaveLength(3);
    expect(first.entries[0]).toMatchObject({ key: 'other', target: digestOf('listed'), valueBytes: 6, pushedBy: by, complete: false, session: 's', build: 'b' });
    const second = await record().listEntries('main', { limit: 3, ...(first.next === undefined ? {} : { after: first.next }) });
    expect([second.entries.map(({ key }) => key), second.next]).toEqual([['pkg/a'], undefined]);
  });

  it('find long keys by their whole start', async () => {
    const long = '\u{1f4e6}'.repeat(300);
    await record().putEntry(draftOf(`${long}1`), by);
    await record().putEntry(draftOf(`${long}2`), by);
    await record().putEntry(draftOf('\u{10ffff}'.repeat(1024)), by);
    expect(await keys({ limit: 10, prefix: `${long}1` })).toEqual([`${long}1`]);
    expect((await keys({ limit: 10, prefix: long })).sort()).toEqual([`${long}1`, `${long}2`]);
  });

  it.each([
    ['a cursor', { limit: 1, after: 'x' }],
    ['a kind', { limit: 1, kind: 'x' as 'blob' }],
    ['a start', { limit: 1, prefix: '\0' }],
  ])('refuse %s that is none', async (_, options) => {
    await expect(record().listEntries('main', options)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('have blobs with objects in the order of their hashes', async () => {
    await push('inline');
    const texts = Array.from({ length: 7 }, (_, index) => `object ${index}`);
    for (const text of texts) await announced(text, `main/${text}`);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const blobs = await record().blobsAfter('main', after, 3);
      seen.push(...blobs.map(({ digest }) => digest.hash));
      if (blobs.length < 3) break;
      after = blobs.at(-1)?.cursor;
    }
    expect(seen).toEqual(texts.map((text) => digestOf(text).hash).sort());
    await expect(record().blobsAfter('main', 'x', 3)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('the use of an instance', () => {
  it('is the sum of blobs and values, and what the lease keeps of it', async () => {
    const before = await record().usage('other');
    const blobs = ['12345', 'root', 'child'].map((text) => ({ digest: digestOf(text), place: { content: Buffer.from(text) } }));
    await record().commitBlobs('other', blobs, by);
    await record().expandBlob('other', digestOf('root'), 'directory', [reference('child')]);
    await record().putEntry(draftOf('used', { instance: 'other', target: reference('root', 'directory') }), by);
    expect(await record().usage('other')).toEqual({ bytes: before.bytes + 20, blobs: before.blobs + 3, entries: before.entries + 1, kept: 20, exported: 0 });
    pass(7200);
    expect((await record().usage('other')).kept).toBe(0);
    await record().findEntry(nameOf('used', 'other'));
    expect((await record().usage('other')).kept).toBe(15);
  });
});

describe('takings of a session', () => {
  it('are one a session and entry, with what it led to; a push outweighs a pull', async () => {
    await record().putEntry(draftOf('taken', { target: reference('listed') }), by);
    const at = now().toISOString();
    await record().recordTaking('session 1', nameOf('taken'), 'pulled');
    await record().recordTaking('session 1', nameOf('taken'), 'pulled');
    await record().recordTaking('session 2', nameOf('taken'), 'pulled');
    pass(60);
    await record().recordTaking('session 1', nameOf('gone'), 'pulled');
    expect(await record().takings('session 1')).toEqual([
      { name: nameOf('taken'), how: 'pulled', at, target: digestOf('listed') },
      { name: nameOf('gone'), how: 'pulled', at: now().toISOString(), target: undefined },
    ]);
    await record().recordTaking('session 1', nameOf('taken'), 'pushed');
    await record().recordTaking('session 1', nameOf('taken'), 'pulled');
    expect((await record().takings('session 1')).map(({ name: { key }, how }) => `${key} ${how}`).sort()).toEqual(['gone pulled', 'taken pushed']);
    await expect(record().recordTaking('a\0', nameOf('taken'), 'pulled')).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('the events of the cache', () => {
  it('make the names of entries anew', async () => {
    await record().putEntry(draftOf('rebuilt', { origin: { session: 's1', build: 'b1' }, qualifiers: { b: '1', a: '2' } }), by);
    await record().putEntry(draftOf('rebuilt', { value: Buffer.from('2'), qualifiers: { a: '2', b: '1' } }), 'another');
    await record().putEntry(draftOf('rebuilt and removed'), by);
    await record().removeEntry(nameOf('rebuilt and removed'), 'an operator', 'removed');
    const before = await names();
    await query(database(), `update cache_entry_names set pushed_by = 'forged'`);
    expect(await names()).not.toEqual(before);
    const rebuilt = await rebuildCacheEntries(database());
    expect(rebuilt.entries).toBe(before.length);
    expect(rebuilt.events).toBeGreaterThan(before.length);
    expect(await names()).toEqual(before);
  });

  it('are whole chains, alarms among them', async () => {
    await record().recordAlarm('main', { bytes: 3, high: 2, limit: 4, state: 'raised' });
    const streams = await query<{ id: string }>(database(), `select id from streams where id like 'cache-entry:main/%' or id = 'artifact-cache:main'`);
    expect(streams.length).toBeGreaterThan(5);
    for (const { id } of streams) expect(await verifyStream(database(), id)).toMatchObject({ intact: true });
  });

  it('are forgotten ninety days after the entry went, unless it was pushed again', async () => {
    for (const key of ['f1', 'f2', 'f3']) {
      await record().putEntry(draftOf(key), by);
      await record().removeEntry(nameOf(key), by, 'removed');
    }
    await record().putEntry(draftOf('f3'), by);
    await query(database(), `update cache_entry_names set removed_at = removed_at - interval '1 day' where key like 'f%'`);
    expect(await record().forgetOldEntries('main', 100)).toBe(0);
    pass(90 * day);
    expect(await record().forgetOldEntries('main', 1)).toBe(1);
    expect(await record().forgetOldEntries('other', 100)).toBe(0);
    expect(await record().forgetOldEntries('main', 100)).toBeGreaterThan(0);
    expect([await record().history(nameOf('f1')), await record().history(nameOf('f2'))]).toEqual([[], []]);
    expect(await record().history(nameOf('f3'))).toHaveLength(3);
    await record().putEntry(draftOf('f1'), by);
    expect(await record().history(nameOf('f1'))).toHaveLength(1);
  });
});
