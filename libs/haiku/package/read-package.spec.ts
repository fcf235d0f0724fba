import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bufferSource, type ByteSource } from '../byte-source.js';
import { describePackage } from '../__fixtures__/describe-package.js';
import { sample } from '../__fixtures__/samples.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { readPackage } from './read-package.js';

const file = sample('foo-1.2.3-1-x86_64.hpkg');

describe('a package file', () => {
  it('of the real tools, with a heap of zstd, is read as they list it', async () => {
    const listing = sample('foo-1.2.3-1-x86_64.listing.txt').toString('utf8');
    expect(describePackage(await readPackage(bufferSource(file)))).toBe(listing.slice(0, listing.indexOf('bin  ')));
  });

  it('is read from its head and its end', async () => {
    let read = 0;
    const source: ByteSource = { size: file.length, read: (offset, length) => ((read += length), Promise.resolve(file.subarray(offset, offset + length))) };
    await readPackage(source);
    expect(read).toBeLessThan(20_000);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['is cut off', (bytes) => bytes.subarray(0, bytes.length - 1), /says/],
    ['is empty', () => Buffer.alloc(0), /0 bytes only/],
    ['is something else', (bytes) => Buffer.concat([Buffer.from('MZ'), bytes.subarray(2)]), /does not begin with hpkg/],
    ['has a version to come', (bytes) => changed(bytes, (copy) => copy.writeUInt16BE(3, 6)), /version 3/],
    ['has a heap of another kind', (bytes) => changed(bytes, (copy) => copy.writeUInt16BE(9, 18)), /unknown way, 9/],
    ['has chunks of another size', (bytes) => changed(bytes, (copy) => copy.writeUInt32BE(4096, 20)), /chunks of 4096/],
    ['claims an absurd heap', (bytes) => changed(bytes, (copy) => copy.writeBigUInt64BE(2n ** 60n, 32)), /.+/],
    ['claims absurd attributes', (bytes) => changed(bytes, (copy) => copy.writeUInt32BE(0xffffffff, 40)), /its attributes have 4294967295 bytes/],
    ['claims attributes larger than its heap', (bytes) => changed(bytes, (copy) => copy.writeUInt32BE(1_000_000, 40)), /larger than its heap/],
    ['claims other strings', (bytes) => changed(bytes, (copy) => copy.writeUInt32BE(copy.readUInt32BE(48) + 1, 48)), /strings in the place of/],
  ])('is refused when it %s', async (_what, change, reason) => {
    await expect(readPackage(bufferSource(change(file)))).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringMatching(reason) });
  });

  it('is read or refused, whatever its bytes are', async () => {
    const tail = file.length - 3000;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ at: fc.oneof(fc.nat(79), fc.integer({ min: tail, max: file.length - 1 })), byte: fc.nat(255) }), { minLength: 1, maxLength: 8 }), async (changes) => {
        const copy = Buffer.from(file);
        for (const { at, byte } of changes) copy[at] = byte;
        const failure = await readPackage(bufferSource(copy)).then(() => undefined, (error: unknown) => error);
        expect(failure === undefined || (isMillraceError(failure) && failure.code === 'source-invalid')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}
