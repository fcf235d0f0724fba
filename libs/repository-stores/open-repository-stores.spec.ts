import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openRepositoryStores } from './open-repository-stores.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'millrace-repository-stores-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const written = (name: string, content: string): string => {
  const file = path.join(scratch, name);
  writeFileSync(file, content);
  return file;
};
const settings = (repositories: string, repositoryStoresFile?: string) => ({ repositories, repositoryStoresFile });
const directory = (name: string): string => `file:${path.join(scratch, name)}`;

describe('the stores of repositories', () => {
  it('are the default one and those that the file names, and have their repositories in folders', async () => {
    const file = written('stores.yaml', `stores:\n  other:\n    url: ${directory('other')}\n    public-url: https://packages.example/other/\n`);
    const stores = await openRepositoryStores(settings(directory('default'), file), {});
    expect(stores.names).toEqual(['default', 'other']);
    await stores.open({ store: 'default', folder: 'haiku/x86 64' }).put('repo', Buffer.from('a'));
    await stores.open({ store: 'other', folder: '' }).put('repo', Buffer.from('b'));
    expect([readdirSync(path.join(scratch, 'default/haiku/x86 64')), readdirSync(path.join(scratch, 'other'))]).toEqual([['repo'], ['.millrace-writing', 'repo']]);
    expect(stores.open({ store: 'default', folder: 'haiku' })).toBe(stores.open({ store: 'default', folder: 'haiku' }));
    expect(stores.publicUrl({ store: 'default', folder: 'haiku' })).toBeUndefined();
    expect(stores.publicUrl({ store: 'other', folder: 'haiku/x86 64' })).toBe('https://packages.example/other/haiku/x86%2064');
    expect(stores.publicUrl({ store: 'other', folder: '' })).toBe('https://packages.example/other');
    stores.close();
  });

  it.each(['../outside', '/root', 'a//b', '.states', 'a/.incoming', 'a/'])('have no repository in %s', async (folder) => {
    const stores = await openRepositoryStores(settings(directory('default')), {});
    expect(() => stores.open({ store: 'default', folder })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    stores.close();
  });

  it('say which stores there are when another one is asked for', async () => {
    const stores = await openRepositoryStores(settings(directory('default')), {});
    expect(() => stores.open({ store: 'absent', folder: 'a' })).toThrow('no store "absent" for repositories: default');
    stores.close();
  });

  it.each([
    ['stores:\n  default:\n    url: file:/tmp\n', 'default is the store of MILLRACE_REPOSITORIES'],
    ['stores:\n  a:\n    url: https://bucket.example\n', 'must be a file: or s3: URL'],
    ['stores:\n  a:\n    public-url: https://packages.example\n', 'needs one of url and haikuporter'],
    ['stores:\n  a:\n    url: s3://b\n    access-key-id:\n      env: ID\n', 'belong together'],
    ['stores:\n  a:\n    url: file:/tmp\n    access-key-id:\n      env: ID\n    secret-access-key:\n      env: KEY\n', 'belong to an s3: URL'],
    ['stores:\n  a:\n    url: s3://b\n    access-key-id:\n      env: ID\n    secret-access-key:\n      env: KEY\n', 'the environment variable ID holds no secret'],
    ['stores:\n  a:\n    url: s3://b\n    secret-access-key: plain\n', 'must be file: <absolute path> or env: <variable>'],
    ['stores:\n  a:\n    url: s3://key:word@b\n', 'must not hold credentials'],
    ['stores:\n  a:\n    url: file:/tmp\n    public-url: https://user:word@packages.example\n', 'must not hold a user'],
    ['stores:\n  a:\n    ulr: file:/tmp\n', 'ulr: unknown key'],
    ['stores:\n  a:\n    url: s3://b/%zz\n', 'must be an s3://bucket/prefix URL'],
    ['stores:\n  a:\n    url: s3://b/x%00y\n', 'has a prefix with a control character'],
    ['stores:\n  a:\n    url: s3://b/x#y\n', 'must not have a fragment'],
    ['stores:\n  a:\n    url: s3://b?endpoint=https://user:word@s3.example\n', 'has an endpoint that holds credentials'],
    ['stores:\n  a:\n    url: s3://b?path-style=yes\n', 'path-style must be 0 or 1'],
    ['stores:\n  a:\n    url: s3://b?region=\n', 'region must be'],
    ['stores:\n  a:\n    url: s3://b/x\n  c:\n    url: s3://b/x/\n', 'stores.c and stores.a lie at the same place'],
    [`stores:\n  a:\n    url: ${directory('default/')}\n`, 'lie at the same place'],
  ])('refuse the file %j', async (text, reason) => {
    await expect(openRepositoryStores(settings(directory('default'), written('wrong.yaml', text)), {})).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(reason) });
  });
});

describe('the storage configuration of HaikuPorter', () => {
  const whole = { backend_type: 's3', endpoint_url: 'https://blah.example', region_name: 'us-east-1', access_key_id: 'id', secret_access_key: 'very-secret', bucket_name: 'haikuports', prefix: 'master/riscv64/current' };
  const open = (text: string) => openRepositoryStores(settings(written('storage.json', text)), {});

  it('is taken as it is', async () => {
    for (const change of [{}, { prefix: '' }, { prefix: undefined }, { prefix: 'a/' }, { region_name: undefined }, { comment: 'passed over' }]) (await open(JSON.stringify({ ...whole, ...change }))).close();
  });

  it.each([
    [{ backend_type: 'azure' }, 'unknown backend type "azure": only s3 is known'],
    [{ backend_type: undefined }, 'backend_type: must be a string'],
    [{ endpoint_url: 'blah.example' }, 'endpoint_url: must be an http(s) URL'],
    [{ endpoint_url: undefined }, 'endpoint_url: must be an http(s) URL'],
    [{ access_key_id: undefined }, 'access_key_id: must be a string'],
    [{ secret_access_key: '' }, 'secret_access_key: must not be empty'],
    [{ bucket_name: 1 }, 'bucket_name: must be a string'],
    [{ prefix: null }, 'prefix: must be a string'],
    [{ prefix: 'a/../b' }, 'prefix: must not have a part'],
    [{ prefix: 'a//b' }, 'prefix: must not have a part'],
    [{ prefix: 'a\0b' }, 'prefix: must not have control characters'],
    [{ prefix: 'a'.repeat(600) }, 'prefix: must have at most 500 bytes'],
    [{ bucket_name: 'haikuports/master' }, 'bucket_name: must be the name of a bucket'],
    [{ bucket_name: '..' }, 'bucket_name: must be the name of a bucket'],
    [{ access_key_id: 'id\n' }, 'access_key_id: must have no blanks'],
    [{ secret_access_key: 'very-secret\n' }, 'secret_access_key: must have no blanks'],
    [{ endpoint_url: 'https://user:word@blah.example' }, 'endpoint_url: must not hold credentials'],
    [{ endpoint_url: 'https://blah.example/?x=1' }, 'endpoint_url: must not hold credentials'],
    [{ region_name: 'us east' }, 'region_name: must be the name of a region'],
  ])('is refused with %j', async (change, reason) => {
    await expect(open(JSON.stringify({ ...whole, ...change }))).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(reason) });
    await expect(open(JSON.stringify({ ...whole, ...change }))).rejects.not.toThrow(/very-secret|word/);
  });

  it('is refused when it is no JSON object, without a word of what it holds', async () => {
    await expect(open('{"secret_access_key": "very-secret"')).rejects.toMatchObject({ code: 'invalid-setting', message: expect.not.stringContaining('very-secret') });
    await expect(open('[]')).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('must be a JSON object') });
    await expect(openRepositoryStores(settings(path.join(scratch, 'absent.json')), {})).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('absent.json') });
  });
});
