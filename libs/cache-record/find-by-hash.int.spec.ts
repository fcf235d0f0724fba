import { describe, expect, it } from '@jest/globals';
import { by, digestOf, draftOf, recordedCache } from './__fixtures__/recorded-cache.js';
import { createNamesByHash } from './find-by-hash.js';

const { database, record, push, pass } = recordedCache();

describe('names by hash alone', () => {
  it('lead to blobs that are there, in their instance and of their function', async () => {
    await push('one');
    const names = createNamesByHash(database());
    const { hash } = digestOf('one');
    expect(await names.findBlob('main', { function: 'sha256', hash })).toEqual(digestOf('one'));
    expect(await Promise.all([names.findBlob('main', { function: 'blake3', hash }), names.findBlob('other', { function: 'sha256', hash }), names.findBlob('main', digestOf('one')), names.findBlob('main', digestOf('two'))])).toEqual([undefined, undefined, digestOf('one'), undefined]);
  });

  it('lead to no blob that was only named by a directory', async () => {
    await push('folder');
    await record().expandBlob('main', digestOf('folder'), 'directory', [{ digest: digestOf('absent'), shape: 'plain' }]);
    expect(await createNamesByHash(database()).findBlob('main', digestOf('absent'))).toBeUndefined();
  });

  it('lead to the action that was used last, and to no other', async () => {
    const [hash, next] = ['a'.repeat(64), `${'a'.repeat(63)}b`];
    const key = (of: string, size: number): string => `sha256:${of}/${size}`;
    await record().putEntry(draftOf(key(hash, 0)), by);
    await record().putEntry(draftOf(key(next, 0)), by);
    const names = createNamesByHash(database());
    expect(await names.findAction('main', hash)).toBe(key(hash, 0));
    pass(10);
    await record().putEntry(draftOf(key(hash, 140)), by);
    expect([await names.findAction('main', hash), await names.findAction('main', next), await names.findAction('main', 'c'.repeat(64)), await names.findAction('other', hash)]).toEqual([key(hash, 140), key(next, 0), undefined, undefined]);
  });
});
