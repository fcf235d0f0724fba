import { deflateSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { bufferSource, type ByteSource } from '../../haiku/byte-source.js';
import { attributeIds } from '../../haiku/container/attribute-ids.js';
import { sample } from '../../haiku/__fixtures__/samples.js';
import { makeHaikuPackage, type MadePackage } from '../../testing/haiku/make-haiku-package.js';
import type { InspectedPackage } from '../package-format.js';
import { haikuRepository, haikuSettings } from './__fixtures__/haiku-job.js';
import { haikuFormat } from './haiku-format.js';
import { describedBy, readMetadata } from './package-metadata.js';

const sha256 = 'ab'.repeat(32);
const { settings } = haikuRepository();
const inspect = (bytes: Buffer, haiku = haikuSettings): Promise<InspectedPackage> => haikuFormat.inspect(bufferSource(bytes), { sha256, settings: { ...settings, haiku } });
const make = (made: Partial<MadePackage>): Buffer => makeHaikuPackage({ name: 'foo', version: '1.0-1', ...made });

describe('inspecting an HPKG package', () => {
  it('of the real tools finds its canonical name, wherever it came from', async () => {
    const inspected = await inspect(sample('foo-1.2.3-1-x86_64.hpkg'), { ...haikuSettings, vendor: 'haiku PROJECT' });
    expect(inspected).toMatchObject({ key: 'foo-1.2.3-1-x86_64.hpkg', name: 'foo', version: '1.2.3-1', architecture: 'x86_64' });
    expect(haikuFormat.pathOf(inspected, '')).toBe('packages/foo-1.2.3-1-x86_64.hpkg');
    expect(haikuFormat.obsoletePathOf('packages/foo-1.2.3-1-x86_64.hpkg')).toBe('packages/.obsolete/foo-1.2.3-1-x86_64.hpkg');
    expect(describedBy(inspected.metadata)).toMatchObject({ checksum: sha256, info: { vendor: 'Haiku Project', requires: [{ name: 'haiku' }, { name: 'lib:libz' }] } });
    expect(inspected.metadata.length).toBeLessThan(500);
  });

  it('with licences to be approved reads their texts, from any part of its heap', async () => {
    const content = Buffer.from(Array.from({ length: 150_000 }, (_, index) => (index * 7919) % 251));
    const licences = { 'Vendor Firmware': 'All rights reserved.', Tiny: '' };
    for (const compression of ['none', 'zlib', 'zstd'] as const) {
      const { metadata } = await inspect(make({ content, licences, compression }));
      expect(readMetadata(metadata).licences).toEqual(Object.entries(licences).map(([name, text]) => ({ name, text })));
    }
  });

  it('keeps everything that an index needs', async () => {
    const { metadata } = await inspect(make({ provides: ['cmd:foo = 1.0 (compatible >= 0.9)', 'plain'], requires: ['haiku >= r1~beta5', 'lib:libz'], conflicts: ['bar < 2'], installPath: '/boot/home' }));
    expect(haikuFormat.relations(metadata)).toEqual({
      provides: [{ name: 'foo', operator: '==', version: '1.0-1' }, { name: 'cmd:foo', operator: '==', version: '1.0', compatible: '0.9' }, { name: 'plain' }],
      requires: [[{ name: 'haiku', operator: '>=', version: 'r1~beta5' }], [{ name: 'lib:libz' }]],
      conflicts: [{ name: 'bar', operator: '<', version: '2' }],
    });
    expect(describedBy(metadata).info.installPath).toBe('/boot/home');
  });

  it.each<[string, Partial<MadePackage>, RegExp]>([
    ['is from another vendor', { vendor: 'Stranger' }, /foo-1\.0-1-x86_64\.hpkg is from the vendor "Stranger"; this repository has packages of "Example Farm" only/],
    ['is for another architecture', { architecture: 'riscv64' }, /for riscv64; this repository has packages for x86_64, any and source/],
    ['has a name that no client can ask for', { name: 'foo#bar' }, /"foo#bar-1\.0-1-x86_64\.hpkg" cannot be fetched/],
    ['has a name that is an address', { name: 'foo%2fbar' }, /cannot be fetched/],
    ['has a name that servers hide', { name: '.obsolete' }, /may not begin with a dot/],
    ['has a name that leads elsewhere', { name: '../../repo' }, /is not the name of a package/],
    ['has a name with a path', { name: 'packages/foo' }, /is not the name of a package/],
    ['has a name with a backslash', { name: '..\\repo' }, /cannot be fetched/],
    ['has a name of another script', { name: 'fооlish' }, /cannot be fetched/],
    ['has an endless name', { name: 'x'.repeat(250) }, /has 268 characters; 240 are the most/],
    ['has a licence without a usable name', { licences: { 'a/b': 'text' } }, /no name that a file can have/],
    ['has a licence as large as a book', { licences: { Book: 'x'.repeat(300_000) } }, /its licence "Book" has 300000 bytes/],
    ['has licences that fill a repository', { licences: { One: 'x'.repeat(200_000), Two: 'x'.repeat(200_000), Three: 'x'.repeat(200_000) } }, /600000 bytes together/],
    ['has more licences than anybody approves', { licences: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`L${index}`, 'x'])) }, /40 licences/],
    ['has two names, of which readers take one or the other', { more: [{ id: attributeIds.name, value: 'bar', children: [] }] }, /says name 2 times/],
    ['has two architectures', { more: [{ id: attributeIds.architecture, value: 0, children: [] }] }, /says architecture 2 times/],
    ['has two versions', { more: [{ id: attributeIds.versionMajor, value: '2', children: [] }] }, /says versionMajor 2 times/],
    ['has a version of two minor numbers', { more: [{ id: attributeIds.provides, value: 'x', children: [{ id: attributeIds.versionMajor, value: '1', children: [minor('2'), minor('3')] }] }] }, /says versionMinor 2 times/],
    ['provides what cannot be called so', { more: [{ id: attributeIds.provides, value: 'a b', children: [] }] }, /"a b", which nothing can be called/],
    ['requires a version without saying how', { more: [{ id: attributeIds.requires, value: 'x', children: [{ id: attributeIds.versionMajor, value: '1', children: [] }] }] }, /without an operator/],
    ['has two licences that are one on the disks of users', { licences: { Mine: 'one', mine: 'two' } }, /two licences "mine"/],
  ])('refuses one that %s', async (_what, made, reason) => {
    await expect(inspect(make(made))).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringMatching(reason) });
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['is another file', () => Buffer.from('<html>404</html>'.repeat(10)), /does not begin with hpkg/],
    ['is a repository', () => sample('repo'), /does not begin with hpkg/],
    ['is cut off', (bytes) => bytes.subarray(0, -1), /says/],
    ['has more attributes than clients read', (bytes) => changed(bytes, (copy) => copy.writeUInt32BE(1024 * 1024 + 1, 40)), /clients read 1048576/],
    ['unpacks to more than any disk has', (bytes) => changed(bytes, (copy) => copy.writeBigUInt64BE(2n ** 39n, 32)), /claims to have 549755813888 bytes/],
    ['has a list of files beyond its heap', (bytes) => changed(bytes, (copy) => copy.writeBigUInt64BE(2n ** 20n, 56)), /list of its files is larger than its heap/],
    ['has an absurd list of files', (bytes) => changed(bytes, (copy) => copy.writeBigUInt64BE(2n ** 62n, 56)), /a size of 4611686018427387904 bytes/],
  ])('refuses what %s', async (_what, change, reason) => {
    const bytes = change(make({ licences: { Mine: 'text' }, compression: 'none' }));
    await expect(inspect(bytes)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringMatching(reason) });
  });

  it('refuses versions that cannot be read back as text: comparing them would fail, and with it every plan of the repository', async () => {
    const own = make({ version: '1.2.zq5-1', compression: 'none', content: Buffer.from('x') });
    own.set(Buffer.from('.q5'), own.indexOf('zq5'));
    const long = '1'.repeat(255);
    const parts = [attributeIds.versionMinor, attributeIds.versionMicro, attributeIds.versionPreRelease].map((id) => ({ id, value: long, children: [] }));
    const offered = make({ more: [{ id: attributeIds.provides, value: 'x', children: [{ id: attributeIds.versionMajor, value: long, children: parts }] }] });
    for (const file of [own, offered]) await expect(inspect(file)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining('is no version') });
  });

  it('refuses a few hundred bytes that share a long string so often that no disk could keep what they say', async () => {
    for (const [count, length] of [[200, 10_000], [200, 100_000], [2000, 400_000]] as const) {
      const bomb = make({ more: Array.from({ length: count }, () => ({ id: attributeIds.copyright, value: 'x'.repeat(length), children: [] })) });
      expect(bomb.length).toBeLessThan(500);
      await expect(inspect(bomb)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringMatching(/more than \d{6,7} bytes when each stands where it is used/) });
    }
  });

  it('is not harmed by flags below zero, nor by chunks that unpack to more than a chunk', async () => {
    const negative = make({ compression: 'none', licences: {} });
    // The tag of a number with a sign differs in one byte, and the number follows it.
    negative.set([0x95, 0x01, 0xff], negative.lastIndexOf(Buffer.from([0x95, 0x02])));
    await expect(inspect(negative)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining('flags is -1') });
    for (const [kind, bomb] of [[1, deflateSync(Buffer.alloc(2 ** 24))], [2, zstdCompressSync(Buffer.alloc(2 ** 24))]] as const) {
      const file = Buffer.concat([make({ compression: 'none' }).subarray(0, 80), bomb]);
      file.writeBigUInt64BE(BigInt(file.length), 8);
      file.writeUInt16BE(kind, 18);
      file.writeBigUInt64BE(BigInt(bomb.length), 24);
      file.writeBigUInt64BE(60_000n, 32);
      await expect(inspect(file)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringMatching(/cannot be decompressed|larger than its heap|chunks of its heap/) });
    }
  });

  it('reads or refuses whatever is made of a package', async () => {
    const file = make({ licences: { Mine: 'text' }, requires: ['a >= 1'], compression: 'none' });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ at: fc.nat(file.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 }), async (changes) => {
        const copy = Buffer.from(file);
        for (const { at, byte } of changes) copy[at] = byte;
        const result = await inspect(copy).catch((error: unknown) => error);
        if (isMillraceError(result)) expect(result.code).toBe('package-invalid');
        else expect((result as InspectedPackage).key).toMatch(/^[A-Za-z0-9_+][A-Za-z0-9_.+~@-]*\.hpkg$/);
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves it to whoever asked when the bytes cannot be had, or are wanted no more', async () => {
    const failing: ByteSource = { size: 1000, read: () => Promise.reject(Object.assign(new Error('no answer'), { code: 'ECONNRESET' })) };
    await expect(haikuFormat.inspect(failing, { sha256, settings })).rejects.toMatchObject({ code: 'ECONNRESET' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(haikuFormat.inspect(bufferSource(make({})), { sha256, settings, signal })).rejects.toThrow('enough');
  });
});

function minor(value: string) {
  return { id: attributeIds.versionMinor, value, children: [] };
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}
