import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { buildTar, buildTgz } from '../../inspectors/__fixtures__/build-tar.js';
import { buildAr, type ArPart } from '../../inspectors/apt/__fixtures__/build-ar.js';
import { aptFixture } from '../../inspectors/apt/__fixtures__/sample-repository.js';
import { buildDeb, controlPart, controlText, dataPart, formatPart } from './__fixtures__/build-deb.js';
import { bytesOf, repositorySettings } from './__fixtures__/deb-repository.js';
import { debFormat } from './deb-format.js';
import { inspectDeb } from './inspect-deb.js';

const options = { sha256: '0'.repeat(64), settings: repositorySettings() };
const [control, data] = [controlPart(controlText({ name: 'sample' })), dataPart({ name: 'sample' })];

function deb(...parts: readonly ArPart[]): Buffer {
  return buildAr([formatPart, ...parts]);
}

function inspect(bytes: Buffer): ReturnType<typeof inspectDeb> {
  return inspectDeb(bytesOf(bytes), options);
}

describe('inspectDeb', () => {
  it.each(['sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'])('reads %s of dpkg-deb', async (name) => {
    const inspected = await inspect(aptFixture(name));
    expect(inspected).toMatchObject({ key: 'millrace-sample_1.0-1_all.deb', name: 'millrace-sample', version: '1:1.0-1', architecture: 'all' });
    expect(inspected.metadata.toString()).toMatch(/^Package: millrace-sample\nSource: millrace-src \(1\.0\)\nVersion: 1:1\.0-1\n/);
    expect(debFormat.pathOf(inspected, 'main')).toBe('pool/main/m/millrace-src/millrace-sample_1.0-1_all.deb');
  });

  it('reads headers and control.tar alone, however large the package is', async () => {
    const bytes = bytesOf(deb(control, { ...data, content: Buffer.concat([data.content, Buffer.alloc(10_000_000)]) }));
    await inspectDeb(bytes, options);
    expect(bytes.reads.reduce((sum, [, length]) => sum + length, 0)).toBeLessThan(2048);
  });

  it('reads tar archives without compression, members to pass over, and a file without the last line feed', async () => {
    const plain = deb({ name: '_first', content: Buffer.from('x') }, { name: 'control.tar', content: buildTar([{ name: 'control', content: controlText({ name: 'sample' }) }]) }, { name: 'data.tar', content: buildTar([{ name: './x' }]) }, { name: '_gpgorigin', content: Buffer.from('xyz') });
    expect(await inspect(plain.subarray(0, plain.length - 1))).toMatchObject({ name: 'sample' });
  });

  it('reads a control.tar that is larger than what is read ahead', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff));
    const large = { name: 'control.tar.zst', content: zstdCompressSync(buildTar([{ name: './control', content: controlText({ name: 'sample' }) }, { name: './md5sums', content: noise }])) };
    expect(await inspect(deb({ ...large, content: Buffer.concat([large.content, zstdCompressSync(Buffer.alloc(512))]) }, data))).toMatchObject({ name: 'sample' });
  });

  it('says which architectures a repository has when it has not this one', async () => {
    await expect(inspect(buildDeb({ name: 'sample', architecture: 'riscv64' }))).rejects.toMatchObject({ code: 'package-invalid', message: "the package sample is for riscv64, which is none of the repository's architectures: amd64, arm64" });
  });

  it('gives versions that differ in their epoch alone the same key, so that the record refuses the second one', async () => {
    const [one, other] = await Promise.all(['1.0-1', '1:1.0-1'].map((version) => inspect(buildDeb({ name: 'sample', version }))));
    expect([one?.key, one?.version, other?.version]).toEqual([other?.key, '1.0-1', '1:1.0-1']);
  });

  const bomb = gzipSync(buildTar([{ name: './md5sums', content: Buffer.alloc(150 * 1024 * 1024) }]), { level: 9 });
  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'does not begin as an ar archive'],
    ['a page', Buffer.from('<html></html>'), 'does not begin as an ar archive'],
    ['no members', buildAr([]), 'no control.tar'],
    ['another format', buildAr([{ name: 'debian-binary', content: Buffer.from('3.0\n') }]), 'not of format 2'],
    ['another first member', buildAr([control, formatPart]), 'does not begin with debian-binary'],
    ['no data', deb(control), 'no control.tar or no data.tar'],
    ['data before control', deb(data, control), '"data.tar.gz" where none may be'],
    ['control twice', deb(control, control, data), '"control.tar.gz" where none may be'],
    ['data twice', deb(control, data, data), '"data.tar.gz" where none may be'],
    ['a member of its own', deb(control, data, { name: 'evil', content: Buffer.from('x') }), '"evil" where none may be'],
    ['members without end', deb(...Array.from({ length: 100 }, () => ({ name: '_x', content: Buffer.alloc(0) }))), 'more than 64 members'],
    ['a negative size', deb({ ...control, size: '-1' }, data), 'malformed member header'],
    ['an absurd size', deb(control, { ...data, size: '9999999999' }), 'of 9999999999 bytes would end behind it'],
    ['half a header', Buffer.concat([deb(control, data), Buffer.from('_gpg')]), 'truncated'],
    ['a table of names', deb({ name: '/0', content: Buffer.from('x') }), 'malformed member header'],
    ['no control file', deb({ name: 'control.tar.gz', content: buildTgz([{ name: './md5sums' }]) }, data), 'no control file'],
    ['a control file that leads outside', deb({ name: 'control.tar.gz', content: buildTgz([{ name: '../control', content: 'x' }]) }, data), "leaves the archive's directory"],
    ['two control files', deb({ name: 'control.tar.gz', content: buildTgz([{ name: './control', content: 'x' }, { name: 'control', content: 'y' }]) }, data), '"control" twice'],
    ['a control file that is a link', deb({ name: 'control.tar.gz', content: buildTgz([{ name: './control', type: '2', link: '/etc/passwd' }]) }, data), 'absolute or malformed target'],
    ['a huge control file', deb({ name: 'control.tar.gz', content: buildTgz([{ name: './control', content: 'x'.repeat(2 * 1024 * 1024) }]) }, data), '"control" is larger than'],
    ['files without end in control.tar', deb({ name: 'control.tar.gz', content: buildTgz(Array.from({ length: 10_001 }, (_, index) => ({ name: `./${index}` }))) }, data), 'more than 10000 entries'],
    ['a bomb', deb({ name: 'control.tar.gz', content: bomb }, data), 'unpacks to more than'],
    ['a control.tar that is no gzip', deb({ name: 'control.tar.gz', content: Buffer.from('x'.repeat(100)) }, data), 'damaged or truncated'],
    ['a control.tar that ends early', deb({ ...control, content: control.content.subarray(0, 60) }, data), 'damaged or truncated'],
    ['a control.tar of bzip2, which dpkg does not read', deb({ ...control, name: 'control.tar.bz2' }, data), '"control.tar.bz2" where none may be'],
    ['data that is not what its name says', deb(control, { ...data, name: 'data.tar.xz' }), 'data.tar.xz is no xz data'],
    ['data that is compressed, but not called so', deb(control, { ...data, name: 'data.tar' }), 'data.tar is no tar archive'],
    ['data that is no tar', deb(control, { name: 'data.tar', content: Buffer.alloc(512, 'x') }), 'a header has a wrong checksum'],
    ['empty data', deb(control, { name: 'data.tar', content: Buffer.alloc(0) }), 'data.tar is truncated'],
    ['another paragraph', deb(controlPart(`${controlText({ name: 'sample' })}\nPackage: evil\n`), data), 'more than one paragraph'],
    ['too long a name', buildDeb({ name: 'x'.repeat(128), version: `1${'0'.repeat(120)}` }), 'the name of the package'],
  ])('refuses a package with %s', async (_case, bytes, reason) => {
    await expect(inspect(bytes)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining(reason) });
  });

  it('takes a store that does not answer for what it is, also while control.tar is read', async () => {
    const bytes = deb(control, data);
    const away = new MillraceError('storage-unavailable', 'the store does not answer');
    await expect(inspectDeb({ size: bytes.length, read: () => Promise.reject(away) }, options)).rejects.toBe(away);
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * index * 31) & 0xff));
    const large = deb({ name: 'control.tar', content: buildTar([{ name: './md5sums', content: noise }, { name: './control', content: controlText({ name: 'sample' }) }]) }, data);
    const { read } = bytesOf(large);
    const breaking = { size: large.length, read: (offset: number, length: number) => (length > 64 * 1024 ? Promise.reject(away) : read(offset, length)) };
    await expect(inspectDeb(breaking, options)).rejects.toBe(away);
  });

  it('ends when it is told to', async () => {
    await expect(inspectDeb(bytesOf(aptFixture('sample-xz.deb')), { ...options, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('reads or refuses packages that were changed anywhere', async () => {
    const samples = ['sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'].map(aptFixture);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...samples), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat({ max: 300 }), async (sample, at, change, cut) => {
        const bytes = Buffer.from(sample);
        bytes[at % 400] = (bytes[at % 400] as number) ^ change;
        const outcome: unknown = await inspect(bytes.subarray(0, bytes.length - cut)).catch((error: unknown) => error);
        expect(isMillraceError(outcome) ? outcome.code : 'package-invalid').toBe('package-invalid');
        expect(outcome instanceof TypeError).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
