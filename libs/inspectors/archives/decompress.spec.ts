import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decompress, sniffCompression, type Compression } from './decompress.js';
import { unpackZstdFrames } from './zstd-frames.js';

const text = Buffer.from('drei Mühlen am rauschenden Bach\n'.repeat(4000));
const tool = (command: string, ...args: string[]): Buffer => execFileSync(command, args, { input: text, stdio: ['pipe', 'pipe', 'ignore'] });
const packed: readonly (readonly [Compression, Buffer])[] = [
  ['none', text],
  ['gzip', gzipSync(text)],
  ['zstd', zstdCompressSync(text)],
  ['xz', tool('xz', '-c')],
  ['lzma', tool('xz', '--format=lzma', '-c')],
  ['bzip2', tool('bzip2', '-c')],
];
const compressed = packed.filter(([compression]) => compression !== 'none');

async function unpack(bytes: Buffer, compression: Compression, limits?: { unpackedBytes: number; ratio: number; ratioFrom: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const source = Readable.from([bytes.subarray(0, 100), bytes.subarray(100)], { objectMode: false });
  for await (const chunk of decompress(source, { compression, packedSize: bytes.length, ...(limits === undefined ? {} : { limits }) })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('decompress', () => {
  it.each(packed)('unpacks %s, which is told by its first bytes', async (compression, bytes) => {
    expect(sniffCompression(bytes)).toBe(compression);
    expect((await unpack(bytes, compression)).equals(text)).toBe(true);
  });

  it('unpacks a bzip2 file that is smaller than one block', async () => {
    const small = execFileSync('bzip2', ['-c'], { input: 'hello\n' });
    expect((await unpack(small, 'bzip2')).toString()).toBe('hello\n');
  });

  it('unpacks all frames of a zstd file, wherever it is cut, and passes over those to be skipped', async () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const empty = zstdCompressSync(Buffer.alloc(0));
    const bytes = Buffer.concat([zstdCompressSync('one '), skippable, empty, zstdCompressSync('two ', { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), zstdCompressSync(Buffer.alloc(400_000, 'x')), skippable]);
    const expected = `one two ${'x'.repeat(400_000)}`;
    for (const size of [1, 7, 16_384]) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      const chunks: Buffer[] = [];
      for await (const chunk of decompress(Readable.from(parts, { objectMode: false }), { compression: 'zstd', packedSize: bytes.length })) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(expected);
    }
  });

  it('refuses zstd files of endless frames', async () => {
    const frames = Readable.from([Buffer.concat(new Array<Buffer>(11).fill(zstdCompressSync('x')))], { objectMode: false });
    const unpackAll = async (): Promise<void> => {
      for await (const _chunk of unpackZstdFrames(frames, 10));
    };
    await expect(unpackAll()).rejects.toThrow('more than 10 frames');
  });

  it.each(packed)('unpacks %s that arrives all at once', async (compression, bytes) => {
    const chunks: Buffer[] = [];
    for await (const chunk of decompress(Readable.from([bytes], { objectMode: false }), { compression, packedSize: bytes.length })) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(text)).toBe(true);
  });

  it.each(compressed)('refuses truncated %s', async (compression, bytes) => {
    await expect(unpack(bytes.subarray(0, bytes.length - 12), compression)).rejects.toThrow(/damaged or truncated/);
  });

  it.each(compressed)('ends a bomb of %s at the ratio and at the size', async (compression, bytes) => {
    await expect(unpack(bytes, compression, { unpackedBytes: 1e9, ratio: 2, ratioFrom: 1000 })).rejects.toThrow('more than 2 times its size');
    await expect(unpack(bytes, compression, { unpackedBytes: 1000, ratio: 1e9, ratioFrom: 1e9 })).rejects.toThrow('more than 1000 bytes');
  });

  it('lets nothing follow the end unseen', async () => {
    for (const [compression, bytes] of compressed) {
      if (compression === 'lzma') continue; // its end is where its header says; liblzma ends there
      const twice = await unpack(Buffer.concat([bytes, bytes]), compression).then((unpacked) => unpacked.length, () => 'refused');
      expect([compression, twice === 'refused' || twice === 2 * text.length]).toEqual([compression, true]);
      await expect(unpack(Buffer.concat([bytes, Buffer.from('what is this that follows here?')]), compression)).rejects.toThrow(/damaged|after its end/);
    }
  });

  it('never hangs and never ends without a reason, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...compressed), fc.nat(), fc.integer({ min: 0, max: 255 }), async ([compression, bytes], at, value) => {
        const changed = Buffer.from(bytes);
        changed[at % changed.length] = value;
        const outcome = await unpack(changed, compression).then(() => 'read', (error: unknown) => (error as Error).message);
        expect(outcome).toMatch(/^read$|^the \S+ data /);
      }),
      { numRuns: 200 },
    );
  });
});
