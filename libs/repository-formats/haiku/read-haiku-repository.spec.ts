import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { attributeIds } from '../../haiku/container/attribute-ids.js';
import { writeInlineAttributes } from '../../haiku/container/write-attributes.js';
import { packageEntry, writeRepositoryFile } from '../../haiku/repository/repository-file.js';
import { sample } from '../../haiku/__fixtures__/samples.js';
import type { ExistingPackage, ExistingPlace, ExistingRepository, ReadExistingOptions } from '../../repository-import/existing-repository.js';
import { openMinisignKey } from '../../signing/minisign-key.js';
import { madeInfo } from '../../testing/haiku/make-haiku-package.js';
import { haikuSettings } from './__fixtures__/haiku-job.js';
import { madeSecretKey } from './__fixtures__/made-secret-key.js';
import { readHaikuRepository } from './read-haiku-repository.js';

const options: ReadExistingOptions = { keys: [], workDirectory: '/nonexistent', signal: new AbortController().signal };
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const repo = sample('repo');

/** Each file, or what it is at one reading after the other. */
function place(files: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[]>>): ExistingPlace & { readonly read: string[] } {
  const read: string[] = [];
  return {
    name: 'https://farm.example/stable',
    read,
    document(path) {
      read.push(path);
      const file = files[path];
      const now = Array.isArray(file) ? (file[Math.min(read.filter((each) => each === path).length, file.length) - 1] as Buffer | string) : (file as Buffer | string | undefined);
      return Promise.resolve(now === undefined ? undefined : Buffer.from(now));
    },
    open: () => {
      throw new Error('packages are not read');
    },
  };
}

async function listed(files: Parameters<typeof place>[0], more: Partial<ReadExistingOptions> = {}): Promise<ExistingPackage[]> {
  return collect(await readHaikuRepository(place(files), { ...options, ...more }));
}

async function collect({ packages }: ExistingRepository): Promise<ExistingPackage[]> {
  const list: ExistingPackage[] = [];
  for await (const item of packages()) list.push(item);
  return list;
}

describe('an existing haiku repository', () => {
  it('of the real tools lists its packages with their digests, without one of them being read', async () => {
    const existing = await readHaikuRepository(place({ repo, 'repo.sha256': sha256(repo) }), options);
    expect(existing).toMatchObject({ kind: 'haiku', indexSha256: sha256(repo), describes: { haiku: { vendor: 'Haiku Project', priority: 1, architecture: 'x86_64' } } });
    expect(await collect(existing)).toEqual([
      ['bar-2.0-2-x86_64.hpkg', '67445d3697b134d57f772ac67462b1dc7d4215842f88ef803b093cf3babbcefc'],
      ['baz-0.9~rc1-3-x86_64.hpkg', 'a6c3d39c2a993bc6c2ef60159d9897a58a7fd3357502a3b3eb7cbb13db52174e'],
      ['foo-1.2.3-1-x86_64.hpkg', 'e6616b20632c00a8ffe7ac0a1ec088e63e4ff9817b668070b350e43764497bc8'],
    ].map(([file, value]) => ({ path: `packages/${file}`, size: undefined, checksum: { algorithm: 'sha256', value }, component: '' })));
  });

  it('needs no checksum file, and takes the one of HaikuPorter or of others with a line end', async () => {
    expect(await listed({ repo })).toHaveLength(3);
    expect(await listed({ repo, 'repo.sha256': `${sha256(repo).toUpperCase()}  repo\n` })).toHaveLength(3);
  });

  it('that is being published to is read again, and told when its parts never agree', async () => {
    expect(await listed({ repo, 'repo.sha256': ['00'.repeat(32), sha256(repo)] })).toHaveLength(3);
    const torn = place({ repo, 'repo.sha256': '00'.repeat(32) });
    await expect(readHaikuRepository(torn, options)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining(sha256(repo)) });
    expect(torn.read.filter((path) => path === 'repo')).toHaveLength(3);
  });

  it('is verified by its signature where keys are given', async () => {
    const key = await openMinisignKey('k', { text: madeSecretKey(), password: undefined });
    const signature = key.sign(repo, { fileName: 'repo', at: '2026-11-21T12:00:00Z' });
    const keys = [key.key.publicKey];
    expect(await listed({ repo, 'repo.minisig': signature }, { keys })).toHaveLength(3);
    expect((await readHaikuRepository(place({ repo, 'repo.minisig': signature }), { ...options, keys })).serial).toBe(Date.parse('2026-11-21T12:00:00Z') / 1000);
    await expect(listed({ repo }, { keys })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('no repo.minisig') });
    await expect(listed({ repo: sample('foo-1.2.3-1-x86_64.hpkg'), 'repo.minisig': signature }, { keys })).rejects.toThrow(/not of these bytes/);
    await expect(listed({ repo, 'repo.minisig': '<html>' }, { keys })).rejects.toThrow(/no signature of minisign/);
  });

  it.each<[string, () => Promise<Readonly<Record<string, Buffer>>>, RegExp]>([
    ['is none', async () => ({}), /is no haiku repository/],
    ['answers a page', async () => ({ repo: Buffer.from(`<html>${'x'.repeat(100)}`) }), /does not begin with hpkr/],
    ['is cut off', async () => ({ repo: repo.subarray(0, -1) }), /says/],
    ['claims an absurd size', async () => ({ repo: changed((copy) => copy.writeBigUInt64BE(2n ** 50n, 48)) }), /its sections have/],
    ['claims to be large', async () => ({ repo: changed((copy) => copy.writeBigUInt64BE(2n ** 26n, 48)) }), /not as large as its heap/],
    ['lists a package twice', async () => ({ repo: await repositoryOf(['foo', 'foo']) }), /lists foo-1-1-x86_64.hpkg twice/],
    ['lists what leads elsewhere', async () => ({ repo: await repositoryOf(['../../etc/passwd']) }), /is not the name of a package/],
    ['lists what no client can ask for', async () => ({ repo: await repositoryOf(['.obsolete']) }), /cannot be fetched/],
    ['lists a package of a million attributes', async () => ({ repo: await writeRepositoryFile({ ...haikuSettings, architecture: 'x86_64', licenses: [] }, [endless()]) }), /more than 500000 attributes/],
  ])('is refused when it %s', async (_what, files, reason) => {
    await expect(files().then(listed)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringMatching(reason) });
  });
});

function repositoryOf(names: readonly string[]): Promise<Buffer> {
  const entries = names.map((name) => packageEntry({ info: madeInfo({ name, version: '1-1' }), checksum: 'ab'.repeat(32) }));
  return writeRepositoryFile({ ...haikuSettings, architecture: 'x86_64', licenses: [] }, entries);
}

function endless(): Buffer {
  const leaf = { id: attributeIds.flags, value: 1, children: [] };
  return writeInlineAttributes([{ id: attributeIds.package, value: 'x', children: Array.from({ length: 600_000 }, () => leaf) }]).subarray(0, -1);
}

function changed(change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(repo);
  change(copy);
  return copy;
}
