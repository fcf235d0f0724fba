import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readCacheSettings, type CacheSettings } from './cache-settings.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-cache-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function settingsOf(text: string): Promise<CacheSettings> {
  const cacheFile = path.join(folder, 'cache.yaml');
  writeFileSync(cacheFile, text);
  return readCacheSettings({ cacheFile });
}

const one = async (text: string): Promise<CacheSettings['instances'][number]> => (await settingsOf(`instances:\n  main: {${text}}\n`)).instances[0]!;
const gibibyte = 1024 ** 3;

describe('the settings of the artifact cache', () => {
  it('without a file have one instance', async () => {
    const { instances, access, login } = await readCacheSettings({ cacheFile: undefined });
    expect(instances).toEqual([
      { name: 'main', quota: { high: 20 * gibibyte, low: 16 * gibibyte }, limit: 22 * gibibyte, lease: 3600, maximumAge: undefined, blobBytes: 10 * gibibyte, evictionPaused: false, verifiedHourly: gibibyte },
    ]);
    expect([access.get('main'), login]).toMatchObject([{ pull: 'anonymous', push: [] }, { tokens: {}, issuers: {} }]);
  });

  it('say all of an instance, sizes and times as people write them', async () => {
    const instance = await one('quota: {high: 1.5 TiB, low: 1 TiB}, limit: 2 TiB, lease: 2 hours, maximum-age: 90 days, blob-bytes: 500 MB, eviction: paused, verification: off');
    expect(instance).toEqual({ name: 'main', quota: { high: 1536 * gibibyte, low: 1024 * gibibyte }, limit: 2048 * gibibyte, lease: 7200, maximumAge: 7_776_000, blobBytes: 500_000_000, evictionPaused: true, verifiedHourly: 0 });
    expect((await one('quota: 1000')).quota).toEqual({ high: 1000, low: 800 });
  });

  it('hand on what is said of access as it is', async () => {
    const { access } = await settingsOf('instances:\n  main: {access: {pull: known}}\n  team/one: {}\n');
    expect([access.get('main')?.pull, access.get('team/one')?.pull]).toEqual(['known', 'anonymous']);
  });

  it('say which instances are OSTree repositories, too', async () => {
    const { ostree } = await settingsOf('instances:\n  main: {ostree: true}\n  other: {ostree: false}\n  team/one: {ostree: {url: "https://cache.example/ostree/team/one"}}\n');
    expect([...ostree]).toEqual([['main', { url: undefined }], ['team/one', { url: 'https://cache.example/ostree/team/one' }]]);
  });

  it('say how URLs are downloaded, and whether blobs are elsewhere', async () => {
    expect((await one('fetch: true')).fetch).toEqual({ policy: 'strict', retain: true });
    expect((await one('fetch: {policy: permissive, retain: false}')).fetch).toEqual({ policy: 'permissive', retain: false });
    expect((await one('fetch: false')).fetch).toBeUndefined();
    expect([(await one('storage: elsewhere')).storageElsewhere, (await one('storage: here')).storageElsewhere]).toEqual([true, undefined]);
  });

  it.each(['../up', 'a/../b', '/a', 'a/', 'a//b', '.hidden', 'a b', 'blobs', 'a/uploads/b', '""', 'ä', 'x'.repeat(101)])('refuse %s as the name of an instance', async (name) => {
    await expect(settingsOf(`instances:\n  ${name}: {}\n`)).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('no name of an instance') });
  });

  it.each([
    ['quota: lots', 'instances.main.quota'],
    ['quota: {high: 10, low: 20}', 'less than high'],
    ['quota: 0', 'instances.main.quota'],
    ['quota: 10 GiB, limit: 1 GiB', 'refused before anything is evicted'],
    ['lease: 1', '10 seconds to 30 days'],
    ['lease: 1 hour, maximum-age: 10 min', 'less than the lease'],
    ['blob-bytes: 1 GIB', 'instances.main.blob-bytes'],
    ['eviction: never', 'instances.main.eviction'],
    ['quotas: 5', 'unknown key'],
    ['ostree: {url: "ssh://cache.example/x"}', 'instances.main.ostree'],
    ['ostree: {a: 1}', 'instances.main.ostree'],
    ['ostree: true, storage: elsewhere', 'needs storage: here'],
    ['verification: -1', 'instances.main.verification'],
    ['fetch: always', 'instances.main.fetch'],
    ['fetch: {policy: lax}', 'instances.main.fetch'],
    ['fetch: true, storage: elsewhere', 'needs storage: here'],
  ])('refuse %s and say where it is', async (text, shown) => {
    await expect(one(text)).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(shown), suggestion: expect.stringContaining('artifact-cache.md') });
  });

  it('need an instance', async () => {
    await expect(settingsOf('instances: {}\n')).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('at least one') });
  });
});
