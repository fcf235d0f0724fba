import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../errors/millrace-error.js';
import { createSigner, type Signer } from '../../inspectors/rpm/__fixtures__/openpgp.js';
import { buildPackage, sha256 } from '../../rpm/__fixtures__/build-package.js';
import { sampleMetadata, samplePackage } from '../../rpm/__fixtures__/sample-package.js';
import { tag } from '../../rpm/package/tags.js';
import { createJob, createKnownPackages, settingsWith } from './__fixtures__/index-job.js';
import { readRpmRepository, type ReadRepositoryOptions, type RpmRepositoryContents, type RpmRepositoryFiles } from './read-rpm-repository.js';
import { rpmFormat } from './rpm-format.js';

type Files = ReadonlyMap<string, Buffer>;

function from(files: Files): RpmRepositoryFiles {
  return {
    async *open(file) {
      const bytes = files.get(file);
      if (bytes === undefined) throw new MillraceError('source-invalid', `there is no ${file}`);
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    },
  };
}

const read = (files: Files, options?: ReadRepositoryOptions): Promise<RpmRepositoryContents> => readRpmRepository(from(files), options);

let root = '';
let own: Files;
beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-rpm-read-'));
  const known = createKnownPackages();
  for (const content of [samplePackage(), buildPackage(), buildPackage({ tags: [[tag.name, 'other++']] })]) await known.add(content);
  const { immutable, switched } = await rpmFormat.writeIndex(createJob({ root, known, settings: settingsWith({ compression: 'zstd' }) }));
  own = new Map([...immutable, ...switched].map(({ path: file, content }) => [file, Buffer.isBuffer(content) ? content : readFileSync(content.file)]));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A repository of one document. */
function declaring(primary: string | Buffer, { href = 'repodata/primary.xml.gz', extra = '' } = {}): Files {
  const packed = Buffer.isBuffer(primary) ? primary : gzipSync(primary);
  const repomd = `<repomd><revision>7</revision><data type="primary"><checksum type="sha256">${sha256(packed)}</checksum><location ${extra}href="${href}"/></data></repomd>`;
  return new Map([['repodata/repomd.xml', Buffer.from(repomd)], [href, packed]]);
}

const element = (href: string, extra = ''): string =>
  `<package type="rpm"><name>a</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256">${'0'.repeat(64)}</checksum><location ${extra}href="${href}"/></package>`;
const primary = (elements: string, count = 1): string => `<metadata packages="${count}">${elements}</metadata>`;

describe('what a repository lists', () => {
  it('is read out of what Millrace itself publishes', async () => {
    const { revision, packages, repomdSha256 } = await read(own);
    expect(packages.map(({ path: file, version, architecture }) => [file, version, architecture])).toEqual([
      ['Packages/b/built-1.0-1.noarch.rpm', '1.0-1', 'noarch'],
      ['Packages/m/millrace-sample-1.0~rc1-2.noarch.rpm', '1:1.0~rc1-2', 'noarch'],
      ['Packages/o/other++-1.0-1.noarch.rpm', '1.0-1', 'noarch'],
    ]);
    expect(packages[1]).toMatchObject({ checksum: { algorithm: 'sha256', hex: sha256(samplePackage()) }, size: samplePackage().length });
    expect([revision, repomdSha256]).toEqual(['1795264496', sha256(own.get('repodata/repomd.xml') as Buffer)]);
  });

  it('is read out of what createrepo_c writes', async () => {
    const files = ['repomd.xml', 'primary.xml.gz'].map((end) => sampleMetadata(end));
    expect((await read(new Map(files.map(({ name, bytes }) => [`repodata/${name}`, bytes])))).packages).toMatchObject([{ name: 'millrace-sample', version: '1:1.0~rc1-2' }]);
  });
});

describe('a repository that is not what it says', () => {
  it('is told as changed when its metadata are others', async () => {
    const name = [...own.keys()].find((file) => file.includes('primary')) ?? '';
    const bytes = own.get(name) as Buffer;
    for (const other of [bytes.subarray(0, 50), Buffer.concat([bytes, bytes]), Buffer.from('<html>busy</html>')]) {
      await expect(read(new Map([...own, [name, other]]))).rejects.toMatchObject({ code: 'source-changed' });
    }
  });

  it.each<[string, () => Files, string]>([
    ['answers a page for people', () => new Map([['repodata/repomd.xml', Buffer.from('<!DOCTYPE html><html/>')]]), 'document type declaration'],
    ['answers nothing', () => new Map([['repodata/repomd.xml', Buffer.alloc(0)]]), 'repodata/repomd.xml of the repository cannot be used'],
    ['has no metadata of packages', () => new Map([['repodata/repomd.xml', Buffer.from('<repomd/>')]]), 'no primary metadata'],
    ['names metadata elsewhere', () => declaring(primary(''), { extra: 'xml:base="http://elsewhere.test/" ' }), 'outside of the repository'],
    ['names metadata above it', () => declaring(primary(''), { href: '../primary.xml.gz' }), 'no plain path below the repository'],
    ['has damaged metadata', () => declaring(gzipSync(primary('')).subarray(0, 20)), 'damaged or truncated'],
    ['has packages above it', () => declaring(primary(element('../../etc/passwd'))), 'no plain path below the repository'],
    ['has packages at a root', () => declaring(primary(element('/etc/passwd'))), 'no plain path below the repository'],
    ['has packages at a URL', () => declaring(primary(element('http://elsewhere.test/a.rpm'))), 'no plain path below the repository'],
    ['has packages above it, encoded', () => declaring(primary(element('%2e%2e/a.rpm'))), 'no plain path below the repository'],
    ['has packages elsewhere', () => declaring(primary(element('a.rpm', 'xml:base="http://elsewhere.test/" '))), 'outside of the repository'],
    ['lists fewer packages than it says', () => declaring(primary(element('a.rpm'), 2)), 'announces 2 packages, but lists 1'],
    ['lists a package without a digest', () => declaring(primary(element('a.rpm').replace(/<checksum.*<\/checksum>/, ''))), 'what its checksum is'],
  ])('is refused when it %s', async (_what, files, reason) => {
    await expect(read(files())).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(reason) });
  });

  it('is refused when it is a bomb, or larger than any', async () => {
    const bomb = declaring(gzipSync(`<metadata packages="0">${`<a>${' '.repeat(4096)}</a>`.repeat(20_000)}</metadata>`));
    await expect(read(bomb)).rejects.toThrow(/times its size/);
    await expect(read(own, { limits: { packages: 2 } })).rejects.toThrow('more than 2 packages');
    await expect(read(own, { limits: { repomdBytes: 100 } })).rejects.toThrow('repodata/repomd.xml of the repository has more than 100 bytes');
    await expect(read(own, { limits: { primaryBytes: 100 } })).rejects.toMatchObject({ code: 'source-invalid' });
  });

  it('has the errors of its source told as they are', async () => {
    await expect(read(new Map())).rejects.toThrow('there is no repodata/repomd.xml');
  });
});

describe('a signed repository', () => {
  let vendor: Signer;
  let stranger: Signer;
  beforeAll(async () => {
    [vendor, stranger] = await Promise.all([createSigner(), createSigner()]);
  }, 60_000);
  const signed = async (signer: Signer, bytes = own.get('repodata/repomd.xml') as Buffer): Promise<Files> => new Map([...own, ['repodata/repomd.xml.asc', await signer.armoredSignature(bytes)]]);

  it('is believed by its key', async () => {
    expect(await read(await signed(vendor), { publicKeys: vendor.publicKey })).toMatchObject({ signedBy: [vendor.fingerprint] });
    expect(await read(await signed(vendor))).toMatchObject({ signedBy: [] });
  });

  it('is refused with the signature of another, of something else, and without any', async () => {
    const publicKeys = vendor.publicKey;
    await expect(read(await signed(stranger), { publicKeys })).rejects.toThrow('not signed by a key that is believed');
    await expect(read(await signed(vendor, Buffer.from('something else')), { publicKeys })).rejects.toThrow('not signed by a key that is believed');
    await expect(read(new Map([...own, ['repodata/repomd.xml.asc', Buffer.from('<html/>')]]), { publicKeys })).rejects.toMatchObject({ code: 'source-invalid' });
    await expect(read(await signed(vendor), { publicKeys: 'no key' })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('the keys that the index has to be signed with') });
    await expect(read(own, { publicKeys })).rejects.toThrow('there is no repodata/repomd.xml.asc');
  });
});
