import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { by, digestOf, draftOf, nameOf, recordedCache, reference } from './__fixtures__/recorded-cache.js';

const { database, record, pass, push, now, announced } = recordedCache();
const listed = async (prefix: string): Promise<boolean | undefined> => (await record().listEntries('main', { prefix, limit: 1 })).entries[0]?.complete;
const complete = async (key: string): Promise<boolean | undefined> => (await record().findEntry(nameOf(key)))?.complete;
const types = async (key: string): Promise<string[]> => (await record().history(nameOf(key))).map(({ type }) => type);

describe('entries of the cache record', () => {
  it('are found with all that was pushed', async () => {
    await push('target', 'log');
    const draft = draftOf('whole', { target: reference('target'), references: [reference('log')], properties: { type: 'text/plain' }, origin: { session: 's1', build: 'b1' } });
    const entry = { ...draft, pushedAt: now().toISOString(), pushedBy: by };
    expect(await record().putEntry(draft, by)).toEqual(entry);
    expect(await record().findEntry(nameOf('whole'))).toEqual({ entry, complete: true, unexpanded: [], missing: [] });
    expect(await record().findEntry(nameOf('whole', 'other'))).toBeUndefined();
    expect(await record().findEntry({ ...nameOf('whole'), qualifiers: { a: 'b' } })).toBeUndefined();
    expect(await record().findEntry({ ...nameOf('whole'), kind: 'blob' })).toBeUndefined();
  });

  it('have the same name whatever order their qualifiers are given in', async () => {
    await record().putEntry(draftOf('qualified', { qualifiers: { b: '2', a: '1' } }), by);
    expect((await record().findEntry({ ...nameOf('qualified'), qualifiers: { a: '1', b: '2' } }))?.entry.key).toBe('qualified');
  });

  it('keep an empty value, and none, apart', async () => {
    await record().putEntry(draftOf('empty', { value: Buffer.alloc(0) }), by);
    await record().putEntry(draftOf('none', { value: undefined }), by);
    expect((await record().findEntry(nameOf('empty')))?.entry.value).toEqual(Buffer.alloc(0));
    expect((await record().findEntry(nameOf('none')))?.entry.value).toBeUndefined();
  });

  it('are incomplete until all blobs are there and all directories were looked into', async () => {
    await record().putEntry(draftOf('tree', { target: reference('root', 'directory') }), by);
    expect(await record().findEntry(nameOf('tree'))).toMatchObject({ complete: false, unexpanded: [], missing: [digestOf('root')] });
    await push('root');
    expect(await record().findEntry(nameOf('tree'))).toMatchObject({ complete: false, unexpanded: [reference('root', 'directory')], missing: [] });
    await record().expandBlob('main', digestOf('root'), 'directory', [reference('sub', 'directory'), reference('file'), reference('')]);
    const lacking = await record().findEntry(nameOf('tree'));
    expect(lacking?.missing.map(({ hash }) => hash).sort()).toEqual([digestOf('sub').hash, digestOf('file').hash].sort());
    await push('sub', 'file');
    expect(await record().findEntry(nameOf('tree'))).toMatchObject({ complete: false, unexpanded: [reference('sub', 'directory')], missing: [] });
    await record().expandBlob('main', digestOf('sub'), 'directory', []);
    expect(await complete('tree')).toBe(true);
  });

  it('end at directories that claim to have themselves or those above in them', async () => {
    await push('loop', 'back');
    await record().putEntry(draftOf('loops', { target: reference('loop', 'directory') }), by);
    await record().expandBlob('main', digestOf('loop'), 'directory', [reference('loop', 'directory'), reference('back', 'directory')]);
    await record().expandBlob('main', digestOf('back'), 'directory', [reference('loop', 'directory')]);
    expect(await complete('loops')).toBe(true);
  });

  it('are incomplete at once when a blob that they need is lost, and complete when it is pushed again', async () => {
    await push('above');
    await announced('deep', 'main/deep-1');
    await record().putEntry(draftOf('loser', { target: reference('above', 'directory') }), by);
    await record().expandBlob('main', digestOf('above'), 'directory', [reference('deep')]);
    expect(await complete('loser')).toBe(true);
    await record().loseBlob('main', digestOf('deep'), 'main/deep-0', 'missing');
    expect(await complete('loser')).toBe(true);
    await record().loseBlob('main', digestOf('deep'), 'main/deep-1', 'corrupt');
    expect(await record().findEntry(nameOf('loser'))).toMatchObject({ complete: false, missing: [digestOf('deep')] });
    expect(await listed('loser')).toBe(false);
    const events = await query<{ data: string }>(database(), `select data from events where stream_id = 'artifact-cache:main'`);
    expect(events.map(({ data }) => JSON.parse(data) as unknown)).toEqual([{ digest: `sha256:${digestOf('deep').hash}/4`, problem: 'corrupt', entries: 1 }]);
    expect(await record().garbage('main', 10)).toEqual(['main/deep-1']);
    await announced('deep', 'main/deep-2');
    expect(await complete('loser')).toBe(true);
  });

  it('are listed as complete unless something that they need is known to be absent, however long ago they were used', async () => {
    await push('small');
    await record().putEntry(draftOf('just pushed', { target: reference('small') }), by);
    await record().putEntry(draftOf('too early', { target: reference('not there') }), by);
    expect([await listed('just pushed'), await listed('too early')]).toEqual([true, false]);
    expect(await complete('just pushed')).toBe(true);
    pass(100_000);
    expect(await listed('just pushed')).toBe(true);
  });

  it('are recorded when they change, and not when the same is pushed again', async () => {
    await push('v1', 'v2');
    const first = await record().putEntry(draftOf('changing', { references: [reference('v1')] }), by);
    pass(100);
    expect(await record().putEntry(draftOf('changing', { references: [reference('v1')] }), 'another')).toEqual(first);
    expect(await types('changing')).toEqual(['CacheEntryPushed']);
    await record().putEntry(draftOf('changing', { references: [reference('v2')], value: Buffer.from('other') }), 'another');
    expect((await record().findEntry(nameOf('changing')))?.entry).toMatchObject({ pushedBy: 'another', references: [reference('v2')], value: Buffer.from('other') });
    expect(await types('changing')).toEqual(['CacheEntryPushed', 'CacheEntryPushed']);
    expect(await record().removeEntry(nameOf('changing'), by, 'removed')).toBe(true);
    expect(await record().removeEntry(nameOf('changing'), by, 'removed')).toBe(false);
    expect(await types('changing')).toEqual(['CacheEntryPushed', 'CacheEntryPushed', 'CacheEntryRemoved']);
  });

  it('are gone when they expire', async () => {
    const expiresAt = new Date(now().getTime() + 60_000).toISOString();
    await record().putEntry(draftOf('expiring', { expiresAt }), by);
    expect(await record().removeEntry(nameOf('expiring'), by, 'expired')).toBe(false);
    expect((await record().findEntry(nameOf('expiring')))?.entry.expiresAt).toBe(expiresAt);
    pass(60);
    expect(await record().findEntry(nameOf('expiring'))).toBeUndefined();
    expect(await record().removeEntry(nameOf('expiring'), by, 'expired')).toBe(true);
  });

  it('are written together, also those of one name', async () => {
    const drafts = Array.from({ length: 300 }, (_, index) => draftOf(`many ${index % 100}`, { value: Buffer.from(`value ${index}`), references: [reference(`shared ${index % 7}`), reference(`own ${index}`)] }));
    const entries = await Promise.all(drafts.map((draft) => record().putEntry(draft, by)));
    expect(entries.map(({ value }) => String(value))).toEqual(drafts.map(({ value }) => String(value)));
    expect(await types('many 5')).toEqual(['CacheEntryPushed', 'CacheEntryPushed', 'CacheEntryPushed']);
    expect((await record().findEntry(nameOf('many 5')))?.entry.value).toEqual(Buffer.from('value 205'));
    const counts = await query<{ counted: number }>(database(), `select counted from cache_blobs where hash = any($1::bytea[]) order by counted`, [['shared 0', 'own 205', 'own 5'].map((text) => Buffer.from(digestOf(text).hash, 'hex'))]);
    expect(counts.map(({ counted }) => counted)).toEqual([0, 1, expect.any(Number)]);
  });
});
