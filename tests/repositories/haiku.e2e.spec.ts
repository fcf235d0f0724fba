import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { madeSecretKey } from '../../libs/repository-formats/haiku/__fixtures__/made-secret-key.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { makeHaikuPackage, type MadePackage } from '../../libs/testing/haiku/make-haiku-package.js';
import { startFaultService, type FaultService } from '../faults/fault-service.js';
import { repositoryClient, type RepositoryClient } from './repository-client.js';

const run = promisify(execFile);
const packages: readonly MadePackage[] = [
  { name: 'zlib', version: '1.3.1-1', provides: ['lib:libz = 1.3.1 (compatible >= 1)'], requires: ['haiku >= r1~beta5'], vendor: 'Haiku Project' },
  { name: 'tool', version: '1.9-1', provides: ['cmd:tool = 1.9'], requires: ['lib:libz >= 1.2', 'haiku'], vendor: 'Haiku Project' },
  { name: 'haiku', version: 'r1~beta5-1', vendor: 'Haiku Project' },
];
const newer: MadePackage = { name: 'tool', version: '1.10-1', provides: ['cmd:tool = 1.10'], requires: ['lib:libz >= 1.2', 'lib:libgone'], vendor: 'Haiku Project' };
const haiku = { name: 'Farm', identifier: 'tag:farm.example,2026:stable', baseUrl: 'https://farm.example/stable', vendor: 'Haiku Project', summary: 'What the farm builds', priority: 1, architecture: 'x86_64' };

describeWith('minisign', 'a haiku repository of the whole service', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-haiku-'));
  let service: FaultService;
  let client: RepositoryClient;
  let address: string;

  beforeAll(async () => {
    const [secret, keys] = [path.join(folder, 'privatekey'), path.join(folder, 'keys.yaml')];
    writeFileSync(secret, madeSecretKey());
    writeFileSync(keys, `keys:\n  farm: { kind: minisign, secret-key: { file: ${secret} } }\n`);
    service = await startFaultService({ proxies: 1, settings: { MILLRACE_REPOSITORY_KEYS: keys } });
    client = repositoryClient(service);
    address = `${service.addresses.control}/repositories/stable`;
    await client.create('stable', 'haiku', { haiku, keys: ['farm'] });
  }, 300_000);
  afterAll(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function fetched(file: string): Promise<Buffer> {
    const response = await fetch(`${address}/${file}`);
    expect([file, response.status]).toEqual([file, 200]);
    return Buffer.from(await response.arrayBuffer());
  }

  function publish(...made: readonly MadePackage[]) {
    return client.publish('stable', made.map((each) => {
      const file = path.join(folder, `${each.name}-upload.hpkg`);
      writeFileSync(file, makeHaikuPackage(each));
      return file;
    }));
  }

  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

  it('is published to, read by another reader, verified by minisign, and switched between the two requests of a client without its notice', async () => {
    expect((await publish(...packages)).outcome).toMatchObject({ state: 1, added: packages.map(({ name, version }) => `${name}-${version}-x86_64.hpkg`) });
    const checksum = (await fetched('repo.sha256')).toString();
    expect((await publish(newer)).outcome).toMatchObject({ state: 2, added: ['tool-1.10-1-x86_64.hpkg'] });
    expect(sha256(await fetched('repo'))).toBe(checksum);

    const [newest, signature] = [(await fetched('repo.sha256')).toString(), await fetched('repo.minisig')];
    const repo = await fetched('repo');
    expect([sha256(repo), newest === checksum]).toEqual([newest, false]);
    const file = path.join(folder, 'repo');
    writeFileSync(file, repo);
    writeFileSync(`${file}.minisig`, signature);
    const { stdout: listing } = await run('python3', [path.join(projectRoot(), 'libs/testing/haiku/read_repository.py'), file]);
    expect(listing).toContain('\tname: tool\n\tsummary: Test package tool\n');
    expect(listing).toContain(`\tchecksum: ${sha256(makeHaikuPackage(newer))}\n`);
    const { items: keys } = await client.call<{ readonly items: readonly { readonly publicKey: string }[] }>('GET', '/v1/repositories/stable/keys');
    expect((await run('minisign', ['-Vm', file, '-P', keys[0]?.publicKey ?? ''])).stdout).toContain('Signature and comment signature verified');
    // What a client resolved a moment ago can still be fetched.
    expect(await fetched('packages/tool-1.9-1-x86_64.hpkg')).toEqual(makeHaikuPackage(packages[1] as MadePackage));
  }, 120_000);

  it('keeps a package as it was published, and says so', async () => {
    await expect(publish({ ...newer, content: Buffer.from('another build') })).rejects.toThrow(new RegExp(`answers 409: .*package-conflict.*${sha256(makeHaikuPackage(newer))}`));
    await expect(publish({ name: 'strange', version: '1', vendor: 'Somebody' })).rejects.toThrow(/answers 422: .*package-invalid.*strange-1-x86_64\.hpkg is from the vendor/);
    expect((await fetched('package.list')).toString()).toBe('haiku-r1~beta5-1-x86_64.hpkg\ntool-1.10-1-x86_64.hpkg\nzlib-1.3.1-1-x86_64.hpkg');
  }, 120_000);

  it('feeds builders what their builds need, and says why one cannot begin', async () => {
    const feed = (wanted: readonly string[], has: readonly string[]) => client.call<{ readonly fetch: readonly { readonly key: string; readonly sha256: string }[] }>('POST', '/v1/repositories/stable/feed', { wanted, packages: has });
    const zlib = packages[0] as MadePackage;
    expect(await feed(['lib:libz'], ['haiku-r1~beta5-1-x86_64.hpkg', 'tool-1.9-1-x86_64.hpkg'])).toMatchObject({
      fetch: [{ key: 'zlib-1.3.1-1-x86_64.hpkg', sha256: sha256(makeHaikuPackage(zlib)) }],
      keep: ['haiku-r1~beta5-1-x86_64.hpkg'],
      drop: ['tool-1.9-1-x86_64.hpkg'],
      unresolved: [],
    });
    expect(await feed(['cmd:tool'], [])).toMatchObject({ fetch: [], unresolved: [{ requirement: 'lib:libgone', reason: expect.stringContaining('tool-1.10-1 needs it') }, { requirement: 'cmd:tool' }] });
  }, 60_000);

  it('is taken over where it lies, as HaikuPorter has left it, without a package being copied', async () => {
    const [ours, theirs] = ['stable', 'left'].map((name) => path.join(service.home, 'repositories', name)) as [string, string];
    cpSync(ours, theirs, { recursive: true, filter: (file) => !path.relative(ours, file).split('/').some((part) => part.startsWith('.')) });
    rmSync(path.join(theirs, 'packages/tool-1.9-1-x86_64.hpkg'));
    const files = (): (readonly [string, number])[] => readdirSync(path.join(theirs, 'packages')).filter((file) => file.endsWith('.hpkg')).map((file) => [file, statSync(path.join(theirs, 'packages', file)).ino] as const);
    const before = files();
    const { items } = await client.call<{ readonly items: readonly { readonly publicKey: string }[] }>('GET', '/v1/repositories/stable/keys');
    await client.call('POST', '/v1/repositories', { name: 'taken', kind: 'haiku', folder: 'left', settings: { haiku, keys: ['farm'] } });
    await client.call('POST', '/v1/repositories/taken/import', { url: 'store:default/left', keys: items.map(({ publicKey }) => publicKey) });
    let taken = { packages: 0 };
    for (; taken.packages < before.length; await pause(50)) taken = await client.call('GET', '/v1/repositories/taken');
    const repo = Buffer.from(await (await fetch(`${service.addresses.control}/repositories/taken/repo`)).arrayBuffer());
    expect(sha256(repo)).toBe(sha256(await fetched('repo')));
    expect(files()).toEqual(before);
  }, 60_000);
});
