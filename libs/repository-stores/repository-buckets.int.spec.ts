import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { keysOf } from '../object-storage/__fixtures__/object-store-contract.js';
import { openS3Store } from '../object-storage/s3/open-s3-store.js';
import { s3Credentials, s3Keys, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { openRepositoryStores } from './open-repository-stores.js';
import type { RepositoryStores } from './repository-stores.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'millrace-repository-buckets-'));
const otherKeys = { AWS_ACCESS_KEY_ID: 'rotated', AWS_SECRET_ACCESS_KEY: 'also-not-a-secret' };
const place = { store: 'default', folder: '' };
let server: S3Server;
let stores: RepositoryStores[] = [];

beforeAll(async () => {
  server = await startS3Server(path.join(scratch, 's3'));
});
afterEach(() => {
  for (const each of stores) each.close();
  stores = [];
});
afterAll(async () => {
  await server.kill();
  rmSync(scratch, { recursive: true, force: true });
});

function writeStorage(bucket: string, prefix: string, keys: Record<keyof typeof s3Credentials, string> = s3Credentials): string {
  const file = path.join(scratch, 'storage.json');
  writeFileSync(file, JSON.stringify({ backend_type: 's3', endpoint_url: server.endpoint, access_key_id: keys.AWS_ACCESS_KEY_ID, secret_access_key: keys.AWS_SECRET_ACCESS_KEY, bucket_name: bucket, prefix }));
  return file;
}

async function open(repositories: string, repositoryStoresFile?: string, environment = {}): Promise<RepositoryStores> {
  const opened = await openRepositoryStores({ repositories, repositoryStoresFile }, environment);
  stores.push(opened);
  return opened;
}

/** All of a bucket, written as others write it. */
function bucketOf(name: string) {
  server.makeBucket(name);
  return openS3Store({ bucket: name, prefix: '', endpoint: server.endpoint, region: 'us-east-1', pathStyle: true }, { readKeys: s3Keys });
}

describe('a bucket of HaikuPorter', () => {
  it.each([['master/current'], ['master/current/']])('has its repository in the folder %s', async (prefix) => {
    const bucket = bucketOf(`folder${prefix.length}`);
    const opened = await open(writeStorage(`folder${prefix.length}`, prefix));
    await opened.open(place).put('packages/a.hpkg', Buffer.from('a'));
    await opened.open({ store: 'default', folder: 'other' }).put('repo', Buffer.from('r'));
    expect(await keysOf(bucket, '')).toEqual(['master/current/other/repo', 'master/current/packages/a.hpkg']);
    bucket.close();
  });

  it('that was written without a slash is used as it is', async () => {
    const bucket = bucketOf('together');
    for (const key of ['packages/a.hpkg', 'repo', 'repo.info', 'package.list']) await bucket.put(`master/current${key}`, Buffer.from(key));
    const opened = await open(writeStorage('together', 'master/current'));
    const repository = opened.open(place);
    expect(await text((await repository.get('repo')).content)).toBe('repo');
    expect(await keysOf(repository, 'packages/')).toEqual(['packages/a.hpkg']);
    await repository.put('packages/b.hpkg', Buffer.from('b'));
    await opened.open({ store: 'default', folder: 'other' }).put('repo', Buffer.from('r'));
    expect(await keysOf(bucket, '')).toEqual(['master/current/other/repo', 'master/currentpackage.list', 'master/currentpackages/a.hpkg', 'master/currentpackages/b.hpkg', 'master/currentrepo', 'master/currentrepo.info']);
    bucket.close();
  });

  it('that was written without a slash is recognised by packages alone, or an index alone', async () => {
    const bucket = bucketOf('traces');
    await bucket.put('onepackages/.obsolete/a.hpkg', Buffer.from('a'));
    await bucket.put('tworepo', Buffer.from('r'));
    expect(await keysOf((await open(writeStorage('traces', 'one'))).open(place), '')).toEqual(['packages/.obsolete/a.hpkg']);
    expect(await keysOf((await open(writeStorage('traces', 'two'))).open(place), '')).toEqual(['repo']);
    bucket.close();
  });

  it('that was written in both ways is refused, with both named', async () => {
    const bucket = bucketOf('both');
    await bucket.put('master/currentpackages/a.hpkg', Buffer.from('a'));
    await bucket.put('master/current/repo', Buffer.from('r'));
    const repository = (await open(writeStorage('both', 'master/current'))).open(place);
    await expect(repository.head('repo')).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(/master\/current\/repo.*master\/currentpackages\/a\.hpkg/) });
    await bucket.remove(['master/current/repo']);
    expect(await keysOf(repository, '')).toEqual(['packages/a.hpkg']);
    bucket.close();
  });
});

describe('the keys of a bucket', () => {
  it('are read again when the service refuses them, in the middle of an upload, too', async () => {
    server.makeBucket('rotation');
    const repository = (await open(writeStorage('rotation', 'current'))).open(place);
    await repository.put('repo', Buffer.from('before'));
    async function* halfAndHalf(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(17 * 1024 * 1024, 'a');
      writeStorage('rotation', 'current', otherKeys);
      await server.rotateKeys(otherKeys);
      yield Buffer.alloc(17 * 1024 * 1024, 'b');
    }
    await repository.put('packages/large.hpkg', { stream: halfAndHalf() });
    expect(await repository.head('packages/large.hpkg')).toMatchObject({ size: 34 * 1024 * 1024 });
    await Promise.all([repository.put('repo', Buffer.from('after')), repository.head('repo'), repository.get('repo').then(({ content }) => text(content))]);
    await server.rotateKeys(s3Credentials);
    await expect(repository.put('repo', Buffer.from('refused'))).rejects.toMatchObject({ code: 'storage-refused', message: expect.not.stringContaining('also-not-a-secret') });
    writeStorage('rotation', 'current');
    expect(await text((await repository.get('repo')).content)).toBe('after');
  });

  it('are those of the settings file, each store its own', async () => {
    server.makeBucket('named');
    const [id, secret] = [path.join(scratch, 'id'), path.join(scratch, 'secret')];
    writeFileSync(id, `${s3Credentials.AWS_ACCESS_KEY_ID}\n`);
    writeFileSync(secret, `${s3Credentials.AWS_SECRET_ACCESS_KEY}\n`);
    const file = path.join(scratch, 'stores.yaml');
    const url = (folder: string): string => `s3://named/${folder}?endpoint=${server.endpoint}`;
    writeFileSync(file, `stores:\n  right:\n    url: ${url('a')}\n    access-key-id: {file: ${id}}\n    secret-access-key: {file: ${secret}}\n  wrong:\n    url: ${url('b')}\n    access-key-id: {env: WRONG}\n    secret-access-key: {env: WRONG}\n`);
    mkdirSync(path.join(scratch, 'default'), { recursive: true });
    const opened = await open(`file:${path.join(scratch, 'default')}`, file, { WRONG: 'not-the-keys' });
    await opened.open({ store: 'right', folder: 'x' }).put('repo', Buffer.from('r'));
    await expect(opened.open({ store: 'wrong', folder: 'x' }).head('repo')).rejects.toMatchObject({ code: 'storage-refused' });
    await expect(opened.open({ store: 'wrong', folder: 'x' }).put('repo', Buffer.from('r'))).rejects.toMatchObject({ code: 'storage-refused', message: expect.not.stringContaining('not-the-keys') });
    expect(await keysOf(opened.open({ store: 'right', folder: '' }), '')).toEqual(['x/repo']);
  });
});
