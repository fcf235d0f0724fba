import { describe, expect, it } from '@jest/globals';
import { isoUtc } from '../database/iso-utc.js';
import { query } from '../database/sql.js';
import { openDatabase } from '../database/open-database.js';
import { createCacheRecord } from './create-cache-record.js';
import { blobOf, by, digestOf, draftOf, recordedCache, specInstance } from './__fixtures__/recorded-cache.js';

const { database, record, pass, now, push, announced } = recordedCache();
const usedAt = async (text: string): Promise<string | undefined> => {
  const [row] = await query<{ at: string }>(database(), `select ${isoUtc('used_at')} as at from cache_blobs where hash = decode($1, 'hex')`, [digestOf(text).hash]);
  return row?.at;
};

describe('blobs of the cache record', () => {
  it('are found once they are committed, by digest, size and instance', async () => {
    expect(await push('one', 'two')).toEqual([true, true]);
    const { hash } = digestOf('one');
    expect(await record().present('main', [digestOf('two'), digestOf('three'), digestOf('one'), { function: 'sha256', hash, size: 4 }, { function: 'blake3', hash, size: 3 }])).toEqual([true, false, true, false, false]);
    expect(await record().present('other', [digestOf('one')])).toEqual([false]);
  });

  it('are committed once, however often one batch has them', async () => {
    expect(await push('again', 'again', 'new')).toEqual([true, false, true]);
    expect(await push('new', 'newer')).toEqual([false, true]);
  });

  it('are located with their content or their object', async () => {
    await push('small', 'other small');
    await announced('large', 'main/sha256/aa/large-1');
    expect(await record().locate('main', [digestOf('large'), digestOf('nowhere'), digestOf('other small'), digestOf('small')])).toEqual([
      { object: 'main/sha256/aa/large-1' },
      undefined,
      { content: Buffer.from('other small') },
      { content: Buffer.from('small') },
    ]);
  });

  it('are found by calls that come at once, each for itself, and one that asks for no digest is refused alone', async () => {
    const texts = Array.from({ length: 150 }, (_, index) => `at once ${index}`);
    await push(...texts);
    const broken = record().locate('main', [{ function: 'sha256', hash: 'no hash', size: 1 }]);
    const [places, present] = await Promise.all([
      Promise.all(texts.map((text) => record().locate('main', [digestOf('nowhere'), digestOf(text)]))),
      Promise.all(texts.map((text) => record().present('main', [digestOf(text), digestOf(`${text}?`)]))),
      expect(broken).rejects.toMatchObject({ code: 'invalid-request' }),
    ]);
    expect(places).toEqual(texts.map((text) => [undefined, { content: Buffer.from(text) }]));
    expect(present).toEqual(texts.map(() => [true, false]));
  });

  it('are always there when they are empty, and never kept', async () => {
    expect(await record().present('main', [digestOf('')])).toEqual([true]);
    expect(await record().locate('main', [digestOf('')])).toEqual([{ content: Buffer.alloc(0) }]);
    expect(await push('')).toEqual([false]);
  });

  it('make garbage of an object that another writer was faster than', async () => {
    expect(await announced('twice', 'main/twice-1')).toEqual([true]);
    expect(await announced('twice', 'main/twice-2')).toEqual([false]);
    expect(await record().locate('main', [digestOf('twice')])).toEqual([{ object: 'main/twice-1' }]);
    expect(await record().garbage('main', 100)).toEqual(['main/twice-2']);
    await record().forgetGarbage('main', ['main/twice-2']);
    expect(await record().garbage('main', 100)).toEqual([]);
  });

  it('cannot be committed with an object whose announcement was collected', async () => {
    await record().announceObject('main', 'main/slow');
    expect(await record().garbage('main', 100)).toEqual([]);
    pass(24 * 3600);
    expect(await record().garbage('main', 100)).toEqual(['main/slow']);
    const late = record().commitBlobs('main', [{ digest: digestOf('slow'), place: { object: 'main/slow' } }], by);
    await expect(late).rejects.toMatchObject({ code: 'storage-conflict' });
    expect(await record().present('main', [digestOf('slow')])).toEqual([false]);
    await record().forgetGarbage('main', ['main/slow']);
  });

  it('have their use written once in an eighth of the lease', async () => {
    await push('used');
    const pushed = now().toISOString();
    pass(449);
    await record().present('main', [digestOf('used')]);
    expect(await usedAt('used')).toBe(pushed);
    pass(2);
    await record().present('main', [digestOf('used')]);
    expect(await usedAt('used')).toBe(now().toISOString());
    pass(460);
    expect(await push('used')).toEqual([false]);
    expect(await usedAt('used')).toBe(now().toISOString());
    pass(460);
    await record().locate('main', [digestOf('used')]);
    expect(await usedAt('used')).toBe(now().toISOString());
  });

  it('are refused when a digest or an instance is none', async () => {
    const wrong = { function: 'sha256' as const, hash: 'ABC', size: 1 };
    await expect(record().present('main', [wrong])).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(record().commitBlobs('main', [{ digest: { ...digestOf('x'), size: -1 }, place: { content: Buffer.from('x') } }], by)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(record().locate('nowhere', [digestOf('x')])).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('"nowhere"') as unknown });
  });

  it('are nowhere to be asked for while the database is away', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    const cut = createCacheRecord(away, { instances: new Map([['main', specInstance('main')]]) });
    await expect(cut.present('main', [digestOf('x')])).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(cut.commitBlobs('main', [blobOf('x')], by)).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(cut.putEntry(draftOf('x'), by)).rejects.toMatchObject({ code: 'database-unavailable' });
    await away.close();
  });

  it('are committed by thousands, each with its own content', async () => {
    const blobs = Array.from({ length: 5000 }, (_, index) => blobOf(`blob number ${index}`));
    const results = await Promise.all([record().commitBlobs('main', blobs, by), record().commitBlobs('main', [...blobs].reverse(), by)]);
    expect(results.flat().filter(Boolean)).toHaveLength(5000);
    const places = await record().locate('main', blobs.map(({ digest }) => digest));
    expect(places.every((place, index) => place !== undefined && 'content' in place && place.content.equals(blobs[index]?.place.content ?? Buffer.alloc(0)))).toBe(true);
  });
});
