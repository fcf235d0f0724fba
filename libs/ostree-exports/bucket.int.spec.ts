import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { blobOf, engineScene, push, randomBlob, reference, write } from '../cache-engine/__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from '../cache-engine/create-artifact-cache.js';
import { createNamedLocks } from '../database/advisory-locks.js';
import { parseBucketUrl } from '../object-storage/bucket-location.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { retryingStore } from '../object-storage/retrying-store.js';
import { openS3Store } from '../object-storage/s3/open-s3-store.js';
import { createOstreeRecord } from '../ostree-record/create-ostree-record.js';
import { Directory } from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { describeWith } from '../testing/describe-with.js';
import { startFaultyS3, type FaultyS3 } from '../testing/start-faulty-s3.js';
import { s3Keys, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { createOstreeExport, type OstreeExport } from './ostree-export.js';

jest.setTimeout(30_000);

describeWith('ostree', 'an OSTree repository in a bucket', () => {
  const scene = engineScene();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-ostree-bucket-'));
  const { signal } = new AbortController();
  let server: S3Server;
  let proxy: FaultyS3;
  let store: ObjectStore;
  let cache: OpenArtifactCache;
  let exporter: OstreeExport;
  let instance = '';

  beforeAll(async () => {
    server = await startS3Server(path.join(folder, 's3'));
    server.makeBucket('farm');
    proxy = await startFaultyS3(server.endpoint);
    const bucket = openS3Store(parseBucketUrl(`s3://farm/cache?endpoint=${proxy.endpoint}`), { readKeys: s3Keys, stallTime: 300 });
    store = retryingStore(bucket, { deadline: 1500, firstPause: 10, longestPause: 50, random: () => 1 });
    instance = scene.instance();
    cache = scene.cache({ store });
    const spool = path.join(folder, 'spool');
    exporter = createOstreeExport({ cache, store, record: createOstreeRecord(scene.database(), { now: () => new Date(scene.now()) }), locks: createNamedLocks(scene.databaseUrl()), spool: () => mkdir(spool, { recursive: true }).then(() => spool), now: () => new Date(scene.now()) });
  });
  afterAll(async () => {
    store.close();
    await proxy.close();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const round = () => exporter.round(instance, { signal });

  async function pushed(key: string): Promise<Buffer> {
    const large = await randomBlob(500_000);
    const files = [large, await blobOf(key)];
    const directory = await blobOf(Buffer.from(Directory.encode(Directory.fromPartial({ files: files.map(({ digest: { hash, size } }, index) => ({ name: `file-${index}`, digest: { hash, sizeBytes: size } })) })).finish()));
    for (const blob of [...files, directory]) await write(cache, instance, blob);
    await cache.putEntry({ instance, kind: 'directory', key: `urn:fdc:buildstream.build:2020:v1:project/tool.bst/${key}`, qualifiers: {}, target: reference(directory, 'directory'), value: undefined, references: [], properties: {}, expiresAt: undefined, origin: {} }, push);
    return large.content;
  }

  /** What the real tool checks and has of the files that the bucket has. */
  function pulled(ref: string): string {
    const repository = mkdtempSync(path.join(folder, 'repository-'));
    const [place = ''] = execFileSync('find', [server.directoryOf('farm'), '-type', 'd', '-path', `*/.ostree/${instance}`], { encoding: 'utf8' }).split('\n');
    cpSync(place, repository, { recursive: true });
    for (const each of ['objects', 'refs/heads', 'refs/remotes', 'tmp', 'state']) mkdirSync(path.join(repository, each), { recursive: true });
    execFileSync('ostree', [`--repo=${repository}`, 'fsck'], { stdio: 'pipe' });
    const tree = path.join(repository, '..', `${path.basename(repository)}-tree`);
    execFileSync('ostree', [`--repo=${repository}`, 'checkout', '-U', ref, tree], { stdio: 'pipe' });
    return tree;
  }

  async function becomes(key: string, content: Buffer): Promise<void> {
    expect(await round()).toMatchObject({ exported: 1, refused: 0 });
    expect(readFileSync(path.join(pulled(`project/tool.bst/${key}`), 'file-0')).equals(content)).toBe(true);
    expect(readdirSync(path.join(folder, 'spool'))).toEqual([]);
  }

  it('is whole although the bucket faults, loses answers, is slow and breaks off for a while', async () => {
    const content = await pushed('faults');
    proxy.inject({ answer: 500, code: 'InternalError' }, { on: 'PutObject', times: 2 });
    proxy.inject({ lost: true }, { on: 'PutObject', times: 2 });
    proxy.inject({ delayed: 100 }, { on: 'PutObject', times: 2 });
    proxy.inject({ truncated: 10_000 }, { on: 'GetObject', times: 1 });
    await becomes('faults', content);
  });

  it.each([
    ['away', { answer: 502, body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } }, 'PutObject'],
    ['full', { answer: 507, code: 'InsufficientStorage' }, 'PutObject'],
    ['truncated', { truncated: 0 }, 'GetObject'],
  ] as const)('waits while the bucket is %s, promises nothing that is not there, and goes on', async (key, fault, on) => {
    const content = await pushed(key);
    const before = (await exporter.usage(instance)).refs;
    proxy.inject(fault, { on });
    await expect(round()).rejects.toMatchObject({ code: key === 'full' ? 'storage-full' : 'storage-unavailable' });
    expect((await exporter.usage(instance)).refs).toBe(before);
    proxy.heal();
    await becomes(key, content);
  });
});
