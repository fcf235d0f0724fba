import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openBlobStore, type BlobStore } from './open-blob-store.js';

describe('the blob store', () => {
  let root: string;
  let store: BlobStore;
  const content = Buffer.from('a body');
  const sha256 = createHash('sha256').update(content).digest('hex');

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'millrace-blobs-'));
    store = await openBlobStore({ blobs: pathToFileURL(root).href, home: root });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function spool(name = 'spooled'): Promise<string> {
    const file = path.join(store.spoolDirectory, name);
    await writeFile(file, content);
    return file;
  }
  const readBack = async (sessionId: string): Promise<string> => (await buffer((await store.read(sessionId, sha256)).content)).toString();

  it('takes over a spool file, and a second one of the same digest', async () => {
    await store.adopt('abc', sha256, await spool());
    await store.adopt('abc', sha256, await spool());
    await expect(readBack('abc')).resolves.toBe('a body');
    const { size, content: stream } = await store.read('abc', sha256);
    stream.destroy();
    expect(size).toBe(6);
    await expect(readdir(store.spoolDirectory)).resolves.toEqual([]);
  });

  it('keeps a small body, also when it is put twice at once', async () => {
    await Promise.all([store.put('abc', sha256, content), store.put('abc', sha256, content)]);
    await expect(readBack('abc')).resolves.toBe('a body');
    await expect(readdir(store.spoolDirectory)).resolves.toEqual([]);
  });

  it('keeps sessions apart and removes one whole', async () => {
    await store.put('abc', sha256, content);
    await store.put('def', sha256, content);
    await expect(store.listSessions()).resolves.toEqual(expect.arrayContaining(['abc', 'def']));
    await store.removeSession('abc');
    await store.removeSession('abc');
    await expect(store.read('abc', sha256)).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(readBack('def')).resolves.toBe('a body');
  });

  it.each(['..', '../x', 'a/b', '', 'A', 'x'.repeat(65)])('refuses the session id %j', async (sessionId) => {
    await expect(store.put(sessionId, sha256, content)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(store.removeSession(sessionId)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it.each(['../../etc/passwd', sha256.toUpperCase(), sha256.slice(1), ''])('refuses the digest %j', async (digest) => {
    await expect(store.put('abc', digest, content)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(store.read('abc', digest)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('adopts nothing from outside its spool', async () => {
    const outside = path.join(root, 'outside');
    await writeFile(outside, content);
    await expect(store.adopt('abc', sha256, outside)).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(store.adopt('abc', sha256, path.join(store.spoolDirectory, '../outside'))).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('empties the spool of what nobody writes to any more', async () => {
    await spool('fresh');
    const stale = await spool('stale');
    await utimes(stale, new Date(0), new Date(0));
    await expect(store.emptySpool(60_000)).resolves.toBe(1);
    await expect(readdir(store.spoolDirectory)).resolves.toEqual(['fresh']);
  });

  it('takes file: and s3: URLs only', async () => {
    await expect(openBlobStore({ blobs: 'https://bucket.example/', home: root })).rejects.toMatchObject({ code: 'invalid-setting' });
  });
});
