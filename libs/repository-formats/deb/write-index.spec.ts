import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chunksOf, readParagraphs } from '../../deb/control-file.js';
import { parseRelease } from '../../deb/release-file.js';
import { digestOf } from '../../inspectors/apt/__fixtures__/sample-repository.js';
import { readKeyring } from '../../inspectors/openpgp/keyring.js';
import { verifyCleartext, verifyDetached } from '../../inspectors/openpgp/verify-signatures.js';
import type { IndexContent, WrittenIndex } from '../package-format.js';
import { buildDeb } from './__fixtures__/build-deb.js';
import { indexJob, knowDeb, openSpecKeys, repositorySettings, type JobOptions, type KnownDeb, type SpecKeys } from './__fixtures__/deb-repository.js';
import { debFormat } from './deb-format.js';

let directory: string;
let home: string;
let key: SpecKeys;
let jobs = 0;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'millrace-deb-keys-'));
  key = await openSpecKeys(home);
});
afterAll(() => rmSync(home, { recursive: true }));
beforeEach(() => void (directory = mkdtempSync(path.join(tmpdir(), 'millrace-deb-'))));
afterEach(() => rmSync(directory, { recursive: true }));

async function write(known: readonly KnownDeb[], options: Partial<JobOptions> = {}): Promise<WrittenIndex & { readonly asked: readonly (readonly string[])[] }> {
  const workDirectory = path.join(directory, `work-${(jobs += 1)}`);
  mkdirSync(workDirectory);
  const job = indexJob(known, { workDirectory, cacheDirectory: path.join(directory, 'cache'), keys: key.keys, ...options });
  return { ...(await debFormat.writeIndex(job)), asked: job.asked };
}

function contentOf({ content }: IndexContent): Buffer {
  return Buffer.isBuffer(content) ? content : readFileSync(content.file);
}

function packagesOf({ immutable }: WrittenIndex, place: string): string {
  const files = immutable.filter(({ path: name }) => name.startsWith(`dists/rye/${place}/by-hash/SHA256/`));
  expect(files).toHaveLength(1);
  return gunzipSync(contentOf(files[0] as IndexContent)).toString();
}

async function makeMany(count: number, prefix = 'p'): Promise<KnownDeb[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => knowDeb(buildDeb({ name: `${prefix}${String(index).padStart(5, '0')}` }))));
}

describe('writeDebIndex', () => {
  it('lists each package for its architecture, those for all in each, and by what the signed Release says', async () => {
    const known = await Promise.all([
      knowDeb(buildDeb({ name: 'one', version: '1:2.0+x~1-1' })),
      knowDeb(buildDeb({ name: 'two', architecture: 'arm64' })),
      knowDeb(buildDeb({ name: 'shared', architecture: 'all' })),
      knowDeb(buildDeb({ name: 'more' }), repositorySettings(), 'extra'),
    ]);
    const written = await write(known);
    const names = (place: string): readonly string[] => [...packagesOf(written, place).matchAll(/^Package: (.*)$/gm)].map((match) => match[1] ?? '');
    expect([names('main/binary-amd64'), names('main/binary-arm64'), names('extra/binary-amd64'), names('extra/binary-arm64')]).toEqual([['one', 'shared'], ['shared', 'two'], ['more'], []]);
    const [{ listed, metadata }] = known;
    expect(packagesOf(written, 'main/binary-amd64')).toContain(`${metadata.toString()}Filename: pool/main/o/one/one_2.0+x~1-1_amd64.deb\nSize: ${listed.size}\nSHA256: ${listed.sha256}\n\n`);

    expect(written.switched.map(({ path: name }) => name)).toEqual(['archive-key.gpg', 'dists/rye/Release.gpg', 'dists/rye/Release', 'dists/rye/InRelease']);
    const [publicKeys, signature, release, inRelease] = written.switched.map(contentOf) as [Buffer, Buffer, Buffer, Buffer];
    const options = { keyring: await readKeyring(publicKeys) };
    expect(await verifyDetached(release, signature, options)).toMatchObject({ verifiedBy: [key.fingerprint] });
    expect(await verifyCleartext(inRelease, options)).toMatchObject({ verifiedBy: [key.fingerprint], text: release });
    const { files, ...fields } = await parseRelease(release);
    expect(fields).toMatchObject({ origin: 'Build Farm', suite: 'rye', codename: 'secale', components: ['main', 'extra'], architectures: ['amd64', 'arm64'], date: Date.parse('2024-11-21T20:07:50Z'), validUntil: undefined });
    expect(release.toString()).toContain('\nAcquire-By-Hash: yes\n');
    expect(files.size).toBe(8);
    for (const index of written.immutable) {
      const content = contentOf(index);
      const [place] = index.path.replace('dists/rye/', '').split('/by-hash/');
      expect([index.sha256, index.size]).toEqual([digestOf(content), content.length]);
      expect(files.get(`${place}/Packages.gz`)).toEqual({ digest: index.sha256, size: index.size });
      const open = gunzipSync(content);
      expect(files.get(`${place}/Packages`)).toEqual({ digest: digestOf(open), size: open.length });
    }
  });

  it('says what apt-ftparchive says of the same pool', async () => {
    const pool = path.join(directory, 'pool-root');
    const two = [
      await knowDeb(buildDeb({ name: 'libone1', version: '2:1.0~rc1-1', fields: 'Source: one (1.0)\nDepends: libc6 (>= 2.36), a | b\nProvides: c (= 1)\nSection: libs\nPriority: optional\nHomepage: https://farm.example/\n' })),
      await knowDeb(buildDeb({ name: 'two', architecture: 'all', fields: 'Multi-Arch: foreign\nTag: role::program,\n  use::checking\nInstalled-Size: 12\nX-Own: à\n' })),
    ];
    const known = [...two, ...(await makeMany(40))];
    for (const { listed, bytes } of known) {
      mkdirSync(path.dirname(path.join(pool, listed.path)), { recursive: true });
      writeFileSync(path.join(pool, listed.path), bytes);
    }
    const theirs = execFileSync('apt-ftparchive', ['--md5=false', '--sha1=false', '--sha512=false', 'packages', 'pool'], { cwd: pool, stdio: ['ignore', 'pipe', 'ignore'] });
    const ours = packagesOf(await write(known), 'main/binary-amd64');
    expect(await paragraphsOf(Buffer.from(ours))).toEqual(await paragraphsOf(theirs));
  });

  it('gives the same bytes again, with and without its cache, whatever order work ends in', async () => {
    const known = await makeMany(700);
    const [one, two, three] = [await write(known), await write(known), await write(known, { cacheDirectory: path.join(directory, 'empty') })];
    const facts = (written: WrittenIndex): readonly object[] => written.immutable.map(({ path: name, sha256, size }) => ({ name, sha256, size }));
    expect(facts(two)).toEqual(facts(one));
    expect(facts(three)).toEqual(facts(one));
    expect(two.switched).toEqual(one.switched);
  });

  it('asks for the metadata around a change alone, and leaves other indexes as they are', async () => {
    const known = await makeMany(1500);
    const before = await write(known);
    expect(new Set(before.asked.flat()).size).toBe(1500);
    expect(Math.max(...before.asked.map(({ length }) => length))).toBeLessThanOrEqual(512);
    expect((await write(known)).asked).toEqual([]);
    const after = await write([...known, await knowDeb(buildDeb({ name: 'p00700-more' }))]);
    expect(after.asked.flat().length).toBeLessThanOrEqual(1024);
    expect(after.asked.length).toBeLessThanOrEqual(2);
    const changed = after.immutable.filter(({ path: name }) => !before.immutable.some((index) => index.path === name));
    expect(changed.map(({ path: name }) => name.split('/by-hash/')[0])).toEqual(['dists/rye/main/binary-amd64']);
  });

  it('makes anew what was damaged or lost in its cache', async () => {
    const known = await makeMany(100);
    const before = await write(known);
    const chunks = readdirSync(path.join(directory, 'cache'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(chunks.length).toBeGreaterThan(0);
    const damaged = [(bytes: Buffer) => bytes.subarray(0, 5), (bytes: Buffer) => bytes.subarray(0, bytes.length - 1), (bytes: Buffer) => bytes.fill(0x20, bytes.length - 9), () => Buffer.from('MRDEB001')];
    for (const damage of damaged) {
      for (const { parentPath, name } of chunks) writeFileSync(path.join(parentPath, name), damage(readFileSync(path.join(parentPath, name))));
      const after = await write(known);
      expect(after.asked.length).toBeGreaterThan(0);
      expect(after.immutable.map(({ sha256 }) => sha256)).toEqual(before.immutable.map(({ sha256 }) => sha256));
    }
  });

  it('is whole when nothing is listed', async () => {
    const written = await write([]);
    expect(written.immutable).toHaveLength(4);
    expect(packagesOf(written, 'main/binary-amd64')).toBe('');
  });

  it('has no signature without a key, but says until when it holds', async () => {
    const { switched } = await write([], { settings: repositorySettings({ validSeconds: 86_400, codename: '', suite: 'rye/updates' }, []) });
    expect(switched.map(({ path: name }) => name)).toEqual(['dists/rye/updates/Release']);
    const release = contentOf(switched[0] as IndexContent).toString();
    expect(release).toContain('\nDate: Thu, 21 Nov 2024 20:07:50 UTC\nValid-Until: Fri, 22 Nov 2024 20:07:50 UTC\n');
    expect(release).not.toContain('Codename');
  });

  it('gives clients all keys that sign, and signs with no other', async () => {
    const others = await Promise.all(['one', 'two'].map(async (each) => openSpecKeys(mkdtempSync(path.join(directory, each)))));
    const listed = others.map(({ publicKey, fingerprint }, index) => ({ name: `key${index}`, kind: 'openpgp' as const, fingerprint, publicKey, expiresAt: null, held: 'service' as const }));
    const keys = { ...key.keys, list: () => Promise.resolve(listed), detached: () => Promise.resolve('signature'), cleartext: () => Promise.resolve('text') };
    const { switched } = await write([], { keys, settings: repositorySettings({}, ['key0', 'key1']) });
    const keyring = await readKeyring(contentOf(switched[0] as IndexContent));
    expect(keyring.fingerprints).toEqual(others.map(({ fingerprint }) => fingerprint));
    await expect(write([], { keys, settings: repositorySettings({}, ['key2']) })).rejects.toMatchObject({ code: 'key-not-found' });
  });

  it('writes no index that leaves out what is listed', async () => {
    const arm = await knowDeb(buildDeb({ name: 'two', architecture: 'arm64' }));
    await expect(write([arm], { settings: repositorySettings({ architectures: ['amd64'] }) })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('two_1.0-1_arm64.deb') });
    const shared = await knowDeb(buildDeb({ name: 'shared', architecture: 'all' }), repositorySettings(), 'contrib');
    await expect(write([shared])).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('"contrib"') });
    await expect(write([{ ...arm, metadata: undefined as unknown as Buffer }])).rejects.toMatchObject({ code: 'record-corrupt', message: expect.stringContaining(arm.listed.sha256) });
  });

  it('signs no setting that would be more than one field', async () => {
    await expect(write([], { settings: repositorySettings({ origin: 'x\nCodename: evil' }) })).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('Origin') });
    await expect(write([], { settings: { ...repositorySettings(), deb: null } })).rejects.toMatchObject({ code: 'invalid-setting' });
  });

  it('closes its files and passes on what a signer, a record or a stop says', async () => {
    const known = await makeMany(50);
    const broken = { ...key.keys, cleartext: () => Promise.reject(new Error('no signature')) };
    await expect(write(known, { keys: broken })).rejects.toThrow('no signature');
    const workDirectory = path.join(directory, 'other');
    mkdirSync(workDirectory);
    const job = indexJob(known, { workDirectory, cacheDirectory: path.join(directory, 'empty'), keys: key.keys });
    await expect(debFormat.writeIndex({ ...job, metadata: () => Promise.reject(new Error('no record')) })).rejects.toThrow('no record');
    await expect(debFormat.writeIndex({ ...job, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(readdirSync('/proc/self/fd').filter((descriptor) => linkOf(descriptor).startsWith(directory))).toEqual([]);
  });
});

describe('relations of debFormat', () => {
  it('tells what a package needs, offers and does not go with', async () => {
    const { metadata } = await knowDeb(buildDeb({ name: 'libone1', version: '2:1.0-1', fields: 'Pre-Depends: dpkg (>= 1.17)\nDepends: libc6, a (<< 2) | b\nRecommends: r\nProvides: one, c (= 3)\nConflicts: old\nBreaks: two (<= 1)\nReplaces: two\n' }));
    const { provides, requires, conflicts } = debFormat.relations(metadata);
    expect(provides).toEqual([{ name: 'libone1', operator: '==', version: '2:1.0-1' }, { name: 'one' }, { name: 'c', operator: '==', version: '3' }]);
    expect(requires).toEqual([[{ name: 'dpkg', operator: '>=', version: '1.17' }], [{ name: 'libc6' }], [{ name: 'a', operator: '<', version: '2' }, { name: 'b' }]]);
    expect(conflicts).toEqual([{ name: 'old' }, { name: 'two', operator: '<=', version: '1' }]);
    expect(debFormat.satisfies({ name: 'c', operator: '>=', version: '2' }, { name: 'c', operator: '==', version: '3' })).toBe(true);
    expect(debFormat.satisfies({ name: 'one', operator: '>=', version: '2' }, { name: 'one' })).toBe(false);
  });
});

/** By what they say, without order. */
async function paragraphsOf(bytes: Buffer): Promise<ReadonlyMap<string, object>> {
  const paragraphs = new Map<string, object>();
  for await (const paragraph of readParagraphs(chunksOf(bytes))) paragraphs.set(paragraph.get('package') ?? '', Object.fromEntries(paragraph));
  return paragraphs;
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}
