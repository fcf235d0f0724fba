import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { decodeContent, type ContentCoding } from './content-decoding.js';

const first = Buffer.from('judged '.repeat(20));
const second = Buffer.from('hidden '.repeat(20));

async function decode(codings: readonly ContentCoding[], body: Buffer, chunk = body.length): Promise<string> {
  const chunks = Array.from({ length: Math.ceil(body.length / chunk) }, (_, index) => body.subarray(index * chunk, (index + 1) * chunk));
  return (await buffer(decodeContent(Readable.from(chunks), { codings, size: body.length, firstByte: body[0] }))).toString();
}

const coders: readonly (readonly [ContentCoding, (bytes: Buffer) => Buffer])[] = [
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
];

describe.each(coders)('the content coding %s', (coding, encode) => {
  it.each([1, 7, 1000])('is undone in chunks of %i bytes', async (chunk) => {
    expect(await decode([coding], encode(first), chunk)).toBe(first.toString());
  });

  it.each([1, 7, 1000])('with another stream behind its end is undone whole or refused, in chunks of %i bytes', async (chunk) => {
    const decoded = await decode([coding], Buffer.concat([encode(first), encode(second)]), chunk).catch((error: Error) => error.message);
    const refused = `the content coding ${coding} has data behind its end`;
    expect([first.toString() + second.toString(), refused]).toContain(decoded);
  });

  it('with something else behind its end is refused', async () => {
    await expect(decode([coding], Buffer.concat([encode(first), second]))).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(decode([coding, 'gzip'], gzipSync(Buffer.concat([encode(first), second])))).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('is refused when it is cut', async () => {
    await expect(decode([coding], encode(first).subarray(0, -2))).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
