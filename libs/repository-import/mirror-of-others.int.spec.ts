import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readKey } from 'openpgp';
import { livingRepositories } from '../repository-checks/__fixtures__/living-repositories.js';
import { startUpstream, type UpstreamServer } from './__fixtures__/upstream-server.js';
import type { SynchroniseResult } from './synchronise.js';

const living = livingRepositories();
const signal = new AbortController().signal;
const asked = { by: 'ann', dryRun: false, force: false, signal };
const sampleRpm = (compression: string): string => fileURLToPath(new URL(`../rpm/__fixtures__/millrace-sample-${compression}.rpm`, import.meta.url));
let server: UpstreamServer;

async function synchronise(name: string, more: { force?: boolean } = {}): Promise<SynchroniseResult> {
  const result = await living.maintenance().synchronise(name, { ...asked, ...more });
  await living.settle(name);
  return result;
}

beforeAll(async () => {
  mkdirSync(path.join(living.directory, 'store'), { recursive: true });
  server = await startUpstream(path.join(living.directory, 'store'));
});
afterEach(() => server.answers.clear());
afterAll(() => server.close());

describe('a mirror of a repository that others made', () => {
  it('keeps packages whose files are called otherwise there, when the index has no SHA-256', async () => {
    const directory = path.join(living.directory, 'store/odd-names');
    mkdirSync(directory);
    cpSync(sampleRpm('gzip'), path.join(directory, 'sample.rpm'));
    execFileSync('createrepo_c', ['--quiet', '--checksum', 'sha512', directory]);
    await living.create('odd', 'rpm', { upstream: { url: `${server.url}/odd-names`, everySeconds: null, keys: [] } });
    await synchronise('odd');
    const keys = await living.keysOf('odd');
    expect(keys).toHaveLength(1);
    for (let again = 0; again < 2; again += 1) {
      expect(await synchronise('odd')).toMatchObject({ removed: [] });
      expect(await living.keysOf('odd')).toEqual(keys);
    }
  });

  it('does not lose what its upstream has built again under the same name and version', async () => {
    await living.create('rebuilt-up', 'deb', { graceSeconds: 0 });
    await living.publishDebs('rebuilt-up', [{ name: 'aa', content: 'first\n' }, { name: 'bb' }]);
    await living.create('rebuilt', 'deb', { upstream: { url: `${server.url}/rebuilt-up`, everySeconds: null, keys: [] } });
    await synchronise('rebuilt');
    const before = await living.keysOf('rebuilt');
    // The upstream as another publisher has it, with other bytes of the same name.
    await living.create('rebuilt-up2', 'deb');
    await living.publishDebs('rebuilt-up2', [{ name: 'aa', content: 'second\n' }, { name: 'bb' }]);
    rmSync(path.join(living.directory, 'store/rebuilt-up'), { recursive: true });
    cpSync(path.join(living.directory, 'store/rebuilt-up2'), path.join(living.directory, 'store/rebuilt-up'), { recursive: true });
    expect(await synchronise('rebuilt')).toMatchObject({ refused: [{ code: 'package-conflict' }], removed: [] });
    expect(await living.keysOf('rebuilt')).toEqual(before);
  });

  it.each(['deb', 'rpm'] as const)('of kind %s never goes back to an index that was signed before the one it has read', async (kind) => {
    const [upstream, mirror] = [`replayed-${kind}`, `replayed-${kind}-mirror`];
    const served = path.join(living.directory, 'store', upstream);
    await living.create(upstream, kind, { graceSeconds: 0 });
    const publish = (name: string, compression: string): Promise<unknown> => (kind === 'deb' ? living.publishDebs(upstream, [{ name }]) : living.publish(upstream, [readFileSync(sampleRpm(compression))]));
    await publish('aa', 'gzip');
    const old = `${served}-old`;
    cpSync(served, old, { recursive: true });
    const publicKey = (await readKey({ armoredKey: readFileSync(path.join(living.directory, 'keys/default.asc'), 'utf8') })).toPublic().armor();
    await living.create(mirror, kind, { upstream: { url: `${server.url}/${upstream}`, everySeconds: null, keys: [publicKey] } });
    // Indexes tell their time in seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await living.change(upstream, { kind: 'sign' });
    await synchronise(mirror);
    cpSync(served, `${served}-new`, { recursive: true });
    const serve = (from: string): void => {
      rmSync(served, { recursive: true });
      cpSync(from, served, { recursive: true });
    };
    serve(old);
    await expect(synchronise(mirror)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('is older than the last one that was read') });
    serve(`${served}-new`);
    expect(await synchronise(mirror)).toMatchObject({ listed: 1, wanted: 0, removed: [] });
    serve(old);
    expect(await synchronise(mirror, { force: true })).toMatchObject({ listed: 1 });
    // From then on, that one is the last.
    expect(await synchronise(mirror)).toMatchObject({ listed: 1 });
  });
});
