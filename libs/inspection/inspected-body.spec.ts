import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodingLimits, type DecodingLimits } from './content-decoding.js';
import { createInspectedBody } from './inspected-body.js';
import type { InspectedBody } from './inspector.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-body-'));
afterAll(() => rmSync(directory, { recursive: true }));

const text = Buffer.from('water to the mill '.repeat(1000));

function bodyOf(bytes: Buffer, contentEncoding: string, limits?: DecodingLimits): InspectedBody {
  return createInspectedBody({ bytes, digests: { sha1: '', sha256: '', size: bytes.length }, contentEncoding, ...(limits === undefined ? {} : { limits }) });
}

describe('createInspectedBody', () => {
  it.each<[string, Buffer]>([
    ['', text],
    ['identity', text],
    ['gzip', gzipSync(text)],
    ['X-GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['gzip, gzip', gzipSync(gzipSync(text))],
    ['br, gzip', gzipSync(brotliCompressSync(text))],
  ])('undoes %j, from memory and from a file', async (coding, bytes) => {
    const file = path.join(directory, 'body');
    writeFileSync(file, bytes);
    const spooled = createInspectedBody({
      file,
      head: bytes.subarray(0, 9000),
      digests: { sha1: '', sha256: '', size: bytes.length },
      contentEncoding: coding,
    });
    for (const body of [bodyOf(bytes, coding), spooled]) {
      expect((await body.read(text.length)).equals(text)).toBe(true);
      expect(Buffer.concat((await body.open({ raw: true }).toArray()) as Buffer[]).equals(bytes)).toBe(true);
      expect(body.head.equals(bytes.subarray(0, 4096))).toBe(true);
    }
  });

  it.each<[string, Buffer, string]>([
    ['compress', text, 'is not supported'],
    ['__proto__', text, 'is not supported'],
    ['gzip, gzip, gzip', gzipSync(text), 'more than 2'],
    ['gzip', text, 'could not be undone'],
    ['gzip', gzipSync(text).subarray(0, 40), 'could not be undone'],
    ['br', Buffer.alloc(50, 0xff), 'could not be undone'],
    ['zstd', text, 'could not be undone'],
  ])('gives a reason for %j over the wrong bytes', async (coding, bytes, reason) => {
    await expect(bodyOf(bytes, coding).read(1e9)).rejects.toMatchObject({ name: 'MillraceError', message: expect.stringContaining(reason) as unknown });
  });

  it('refuses more than was asked for, more than the limit and more than the ratio', async () => {
    await expect(bodyOf(text, '').read(text.length - 1)).rejects.toMatchObject({ code: 'payload-too-large' });
    await expect(bodyOf(gzipSync(text), 'gzip', { ...decodingLimits, size: 1000 }).read(1e9)).rejects.toMatchObject({ code: 'payload-too-large' });
    const bomb = brotliCompressSync(Buffer.alloc(80 * 1024 * 1024));
    await expect(bodyOf(bomb, 'br').read(1e9)).rejects.toMatchObject({ message: expect.stringContaining('times its size') as unknown });
  });

  it('decodes any bytes or gives a reason, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('gzip', 'deflate', 'br', 'zstd', 'gzip, br'), async (bytes, coding) => {
        const outcome = await bodyOf(Buffer.from(bytes), coding)
          .read(1e6)
          .catch((error: unknown) => error);
        expect(Buffer.isBuffer(outcome) || (outcome as { name?: string }).name === 'MillraceError').toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
