import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import { briefRetries } from '../object-storage/retrying-store.js';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { createBucketTrees } from './bucket-trees.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-trees-'));
const tree = path.join(directory, 'odcs-1');
const packageFile = 'compose/Temporary/x86_64/os/Packages/a/a-1-1.x86_64.rpm';
const repomd = 'compose/Temporary/x86_64/os/repodata/repomd.xml';
const files: Readonly<Record<string, string>> = { COMPOSE_ID: 'odcs-1-1-20260101.t.0', [packageFile]: 'package', [repomd]: '<repomd/>', 'compose/Temporary/odcs-1.repo': '[odcs-1]' };
const digests = new Map([[packageFile, 'ab'.repeat(32)]]);
const signal = new AbortController().signal;
const before = { ...process.env };
let server: S3Server;
let bucket: ObjectStore;

beforeAll(async () => {
  Object.assign(process.env, s3Credentials);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(tree, file)), { recursive: true });
    writeFileSync(path.join(tree, file), content);
  }
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
  bucket = openObjectStore(`s3://farm/composes?endpoint=${server.endpoint}`, { name: 'the bucket of the spec', retries: briefRetries });
});

afterAll(async () => {
  bucket.close();
  await server.kill();
  for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
  rmSync(directory, { recursive: true, force: true });
});

/** What is in the bucket, as the server keeps it in files. */
function stored(below: string): string[] {
  const root = path.join(server.directoryOf('farm'), 'composes');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => file.startsWith(below))
    .sort();
}

/** The order in which the real bucket was asked to write. */
function noting(writes: string[], failAt = ''): ObjectStore {
  const note = (key: string): void => {
    if (failAt !== '' && key.endsWith(failAt)) throw new Error('the connection broke');
    writes.push(key);
  };
  return {
    ...bucket,
    put: async (key, content, options) => (note(key), bucket.put(key, content, options)),
    copy: async (from, to, options) => (note(to), bucket.copy(from, to, options)),
    remove: async (keys, options) => (keys.forEach(note), bucket.remove(keys, options)),
  };
}

describe('a compose in a bucket', () => {
  it('has the same files, the package before what names it', async () => {
    const writes: string[] = [];
    await createBucketTrees(noting(writes)).publish('odcs-1', tree, { digests, signal });
    expect(stored('odcs-1/')).toEqual(Object.keys(files).map((file) => `odcs-1/${file}`).sort());
    for (const [file, content] of Object.entries(files)) expect(readFileSync(path.join(server.directoryOf('farm'), 'composes/odcs-1', file), 'utf8')).toBe(content);
    expect(writes.indexOf(`odcs-1/${packageFile}`)).toBeLessThan(writes.indexOf('odcs-1/COMPOSE_ID'));
    expect(writes.indexOf('odcs-1/COMPOSE_ID')).toBeLessThan(writes.indexOf(`odcs-1/${repomd}`));
  });

  it('takes a package that the bucket has already without uploading it', async () => {
    const writes: string[] = [];
    await createBucketTrees(noting(writes)).publish('odcs-2', tree, { digests, signal });
    expect(writes.filter((key) => key.startsWith('content/'))).toEqual([]);
    expect(stored('odcs-2/')).toHaveLength(4);
  });

  it('shows no index when it breaks off, and is whole after another attempt, without what the first left', async () => {
    const trees = createBucketTrees(noting([], 'COMPOSE_ID'));
    await expect(trees.publish('odcs-3', tree, { digests, signal })).rejects.toThrow('the connection broke');
    expect(stored('odcs-3/').filter((key) => key.endsWith('repomd.xml'))).toEqual([]);
    await bucket.put('odcs-3/compose/Temporary/x86_64/os/Packages/z/old.rpm', Buffer.from('old'));
    await createBucketTrees(bucket).publish('odcs-3', tree, { digests, signal });
    expect(stored('odcs-3/')).toHaveLength(4);
  });

  it('is removed with the index first, and leaves the others', async () => {
    const removed: string[] = [];
    await createBucketTrees(noting(removed)).remove('odcs-3');
    expect(removed.indexOf(`odcs-3/${repomd}`)).toBeLessThan(removed.indexOf(`odcs-3/${packageFile}`));
    expect(stored('odcs-3/')).toEqual([]);
    await createBucketTrees(bucket).remove('odcs-3');
    expect(await createBucketTrees(bucket).list()).toEqual(['odcs-1', 'odcs-2']);
  });

  it('outlives the shared object that it was copied from', async () => {
    const trees = createBucketTrees(bucket);
    expect(await trees.sweep(3_600_000)).toBe(0);
    expect(await trees.sweep(-60_000)).toBe(1);
    expect(stored('content/')).toEqual([]);
    expect(stored('odcs-1/')).toHaveLength(4);
  });

  it('fails with words while the storage is away, and works when it is back', async () => {
    const trees = createBucketTrees(bucket);
    await server.kill();
    await expect(trees.publish('odcs-4', tree, { digests, signal })).rejects.toMatchObject({ code: 'storage-unavailable' });
    await server.start();
    await trees.publish('odcs-4', tree, { digests, signal });
    expect(stored('odcs-4/')).toHaveLength(4);
  });
});
