import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buildPackage, sha256 } from '../../rpm/__fixtures__/build-package.js';
import { compressions, samplePackage } from '../../rpm/__fixtures__/sample-package.js';
import { tag } from '../../rpm/package/tags.js';
import { readRepository } from '../../rpm-repository/__fixtures__/read-repository.js';
import { createSigner } from '../../inspectors/rpm/__fixtures__/openpgp.js';
import { readKeyring } from '../../inspectors/openpgp/keyring.js';
import { verifyDetached } from '../../inspectors/openpgp/verify-signatures.js';
import { openSigningKeys } from '../../signing/open-signing-keys.js';
import type { WrittenIndex } from '../package-format.js';
import { createJob, createKnownPackages, settingsWith, type JobOptions, type KnownPackages } from './__fixtures__/index-job.js';
import { publishIndex } from './__fixtures__/publish-index.js';
import { rpmFormat } from './rpm-format.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-rpm-index-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A quick one of its own name. */
const numbered = (index: number, payload = 'payload'): Buffer => buildPackage({ tags: [[tag.name, `p${String(index).padStart(4, '0')}`], [tag.summary, `Number ${index}`]], payload: Buffer.from(payload) });

async function knowNumbered(count: number): Promise<KnownPackages> {
  const known = createKnownPackages();
  for (let index = 0; index < count; index += 1) await known.add(numbered(index));
  return known;
}

const write = (options: Omit<JobOptions, 'root'>): Promise<WrittenIndex> => rpmFormat.writeIndex(createJob({ root, ...options }));
const digests = ({ immutable, switched }: WrittenIndex): readonly string[] => [...immutable, ...switched].map(({ path: file, sha256: digest }) => `${file} ${digest}`);

describe('an index', () => {
  it.each(['gzip', 'zstd'] as const)('says what createrepo_c says of the packages at the same places, with %s', async (compression) => {
    const [own, theirs] = [path.join(root, 'own'), path.join(root, 'theirs')];
    const known = createKnownPackages();
    // The same name and version each, so only one of them fits into a repository.
    for (const content of [samplePackage('gzip'), ...[1, 2, 3].map((index) => numbered(index))]) {
      const listed = await known.add(content, '2026-11-21T12:00:00.789Z');
      const file = path.join(theirs, listed.path);
      mkdirSync(path.dirname(file), { recursive: true });
      execFileSync('tee', [file], { input: content, stdio: ['pipe', 'ignore', 'pipe'] });
      execFileSync('touch', ['-d', '2026-11-21T12:00:00Z', file]);
    }
    execFileSync('createrepo_c', ['--quiet', '--no-database', '--revision=1795264496', '--set-timestamp-to-revision', theirs], { stdio: 'pipe' });
    publishIndex(own, await write({ known, settings: settingsWith({ compression }) }));
    const [ours, expected] = [await readRepository(own), await readRepository(theirs)];
    expect(ours.primary).toHaveLength(4);
    expect([ours.primary, ours.filelists, ours.other, ours.counts]).toEqual([expected.primary, expected.filelists, expected.other, expected.counts]);
    expect(ours.repomd.revision).toBe(expected.repomd.revision);
    expect(ours.repomd.files.map(({ type, timestamp }) => [type, timestamp])).toEqual(expected.repomd.files.map(({ type, timestamp }) => [type, timestamp]));
  });

  it('has the same bytes for the same state, in whichever process, with and without caches', async () => {
    const known = await knowNumbered(300);
    const first = digests(await write({ known }));
    expect(digests(await write({ known }))).toEqual(first);
    expect(digests(await write({ known, cache: 'another' }))).toEqual(first);
    expect(digests(await write({ known, at: '2026-11-21T12:34:57Z' })).at(-1)).not.toBe(first.at(-1));
  });

  it('names its files by what is in them, so that no state takes away those of another', async () => {
    const known = await knowNumbered(3);
    const before = await write({ known });
    await known.add(numbered(3));
    const after = await write({ known });
    const paths = (index: WrittenIndex): readonly string[] => index.immutable.map(({ path: file }) => file);
    expect(paths(before).filter((file) => paths(after).includes(file))).toEqual([]);
    for (const { path: file, sha256: digest, size, content } of [...before.immutable, ...after.immutable]) {
      expect(file).toMatch(new RegExp(`^repodata/${digest}-(primary|filelists|other)\\.xml\\.gz$`));
      const bytes = Buffer.isBuffer(content) ? content : readFileSync(content.file);
      expect([sha256(bytes), bytes.length]).toEqual([digest, size]);
    }
  });

  it('asks for what is known of the packages around a change, and of no others', async () => {
    const known = await knowNumbered(1000);
    const first = createJob({ root, known });
    await rpmFormat.writeIndex(first);
    expect(first.asked).toHaveLength(1000);
    await known.add(numbered(5000));
    const second = createJob({ root, known });
    await rpmFormat.writeIndex(second);
    expect(second.asked.length).toBeGreaterThan(0);
    expect(second.asked.length).toBeLessThanOrEqual(256);
    const third = createJob({ root, known });
    await rpmFormat.writeIndex(third);
    expect(third.asked).toEqual([]);
  });

  it('of no packages is one all the same', async () => {
    const directory = path.join(root, 'empty');
    publishIndex(directory, await write({ known: { packages: [], metadata: new Map() } }));
    expect((await readRepository(directory)).counts).toEqual([0]);
  });

  it('is not written without what is known of one package: it would be taken away from everyone', async () => {
    const known = await knowNumbered(30);
    const lost = known.packages[7]?.sha256 ?? '';
    const record = known.metadata.get(lost) as Buffer;
    known.metadata.delete(lost);
    await expect(write({ known })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('nothing is known of the package Packages/p/p0007-1.0-1.noarch.rpm') });
    for (const damaged of [Buffer.alloc(0), record.subarray(0, record.length - 1), known.metadata.get(known.packages[8]?.sha256 ?? '') as Buffer]) {
      known.metadata.set(lost, damaged);
      await expect(write({ known })).rejects.toThrow('what is known is damaged');
    }
    known.metadata.set(lost, record);
    expect((await write({ known })).immutable).toHaveLength(3);
  });

  it('stops when it is told to', async () => {
    await expect(write({ known: await knowNumbered(20), signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('a signed index', () => {
  it('gives clients the keys before, and the signature after what it signs', async () => {
    const keys = await openSigningKeys({ home: root, repositoryKeysFile: undefined }, {});
    const [settings, at] = [settingsWith({}, ['default']), new Date().toISOString()];
    const known = await knowNumbered(2);
    const index = await write({ known, settings, keys, at });
    const [armour, repomd, signature] = index.switched.map(({ content }) => content as Buffer) as [Buffer, Buffer, Buffer];
    expect(index.switched.map(({ path: file }) => file)).toEqual(['repodata/repomd.xml.key', 'repodata/repomd.xml', 'repodata/repomd.xml.asc']);
    const keyring = await readKeyring(armour);
    expect(await verifyDetached(repomd, signature, { keyring })).toMatchObject({ verifiedBy: keyring.fingerprints, failures: [] });
    expect(digests(await write({ known, settings, keys, at }))).toEqual(digests(index));
    await keys.close();
  });

  it('is refused with a key that is not there, or that dnf cannot read', async () => {
    const known = await knowNumbered(1);
    const keys = await openSigningKeys({ home: root, repositoryKeysFile: undefined }, {});
    await expect(write({ known, settings: settingsWith({}, ['lost']), keys })).rejects.toMatchObject({ code: 'key-not-found' });
    await keys.close();
    const { publicKey } = await createSigner();
    const list = async (): Promise<never[]> => [{ name: 'haiku', kind: 'minisign', fingerprint: 'A', publicKey, expiresAt: null, held: 'service' } as never];
    await expect(write({ known, settings: settingsWith({}, ['haiku']), keys: { ...keys, list, detached: async () => 'signature' } })).rejects.toThrow('is one of minisign');
  });
});

describe('the caches of indexes', () => {
  it('may be copied, emptied and damaged at any time', async () => {
    const known = await knowNumbered(200);
    const first = digests(await write({ known }));
    cpSync(path.join(root, 'cache'), path.join(root, 'copy'), { recursive: true });
    rmSync(path.join(root, 'cache'), { recursive: true });
    expect(digests(await write({ known }))).toEqual(first);
    const copied = createJob({ root, known, cache: 'copy' });
    expect(digests(await rpmFormat.writeIndex(copied))).toEqual(first);
    expect(copied.asked).toEqual([]);
    execFileSync('sh', ['-c', `find ${root}/copy -type f -name '[0-9a-f]*' -exec truncate -s 100 {} +`]);
    expect(digests(await write({ known, cache: 'copy' }))).toEqual(first);
  });

  it('hold the packages of every compression', async () => {
    const known = createKnownPackages();
    for (const compression of compressions.slice(0, 1)) await known.add(samplePackage(compression));
    const [packed, other] = [await write({ known, settings: settingsWith({ compression: 'zstd' }) }), await write({ known })];
    expect([packed.immutable[0]?.contentType, other.immutable[0]?.contentType]).toEqual(['application/zstd', 'application/gzip']);
  });
});
