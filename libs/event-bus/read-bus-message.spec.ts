import { createHash } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { excerptOf, isUnreadable, messageLimit, readBusMessage, type RawMessage } from './read-bus-message.js';

const rawOf = (bytes: Buffer | string, changes: Partial<RawMessage> = {}): RawMessage => ({ bus: 'fedora', id: 'one', topic: 'org.example.koji.tag', encoding: null, bytes: Buffer.from(bytes as string), ...changes });
const reasonOf = (raw: RawMessage): string => {
  try {
    readBusMessage(raw);
  } catch (error) {
    if (isUnreadable(error)) return (error as Error).message;
    throw error;
  }
  throw new Error('it was read');
};
const bomb = Buffer.from(`"${'a'.repeat(50 * messageLimit)}"`);

describe('a message of a bus', () => {
  it('is its JSON, under the id and topic that it came with', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.uuid(), (body, id) => {
        const text = JSON.stringify(body);
        expect(readBusMessage(rawOf(text, { id }))).toEqual({ bus: 'fedora', id, topic: 'org.example.koji.tag', body: JSON.parse(text) as unknown });
      }),
    );
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['utf-8', (text: string) => Buffer.from(text)],
    ['identity', (text: string) => Buffer.from(text)],
  ] as const)('is decoded: %s', (encoding, encode) => {
    expect(readBusMessage(rawOf(encode('{"a":1}'), { encoding })).body).toEqual({ a: 1 });
  });

  it.each([
    ['no JSON', rawOf('{'), 'the document is not valid JSON'],
    ['nothing', rawOf(''), 'the document is not valid JSON'],
    ['invalid UTF-8', rawOf(Buffer.from([0x22, 0xff, 0x22])), 'the JSON document is not valid UTF-8'],
    ['too large', rawOf(Buffer.alloc(messageLimit + 1, 0x20)), 'the message is larger than 1048576 bytes'],
    ['too deep', rawOf('['.repeat(65) + ']'.repeat(65)), 'the JSON document is nested deeper than 64 levels'],
    ['of too many values', rawOf(`[${'1,'.repeat(200_001)}1]`), 'the JSON document has more than 200000 values'],
    ['a gzip bomb', rawOf(gzipSync(bomb), { encoding: 'gzip' }), 'the message decodes to more than 1048576 bytes'],
    ['a brotli bomb', rawOf(brotliCompressSync(bomb), { encoding: 'br' }), 'the message decodes to more than 1048576 bytes'],
    ['no gzip', rawOf('{}', { encoding: 'gzip' }), 'the content coding gzip could not be undone'],
    ['of an unknown coding', rawOf('{}', { encoding: 'rot13' }), 'the content coding "rot13" is not supported'],
    ['without a topic', rawOf('{}', { topic: '' }), 'the topic is not text of 1 to 1024 characters'],
    ['with a topic of control characters', rawOf('{}', { topic: 'a\0b' }), 'the topic is not text of 1 to 1024 characters'],
    ['unreadable for its transport', rawOf('{}', { unreadable: 'why' }), 'why'],
  ])('that is %s is refused with that reason', (_what, raw, reason) => {
    expect(reasonOf(raw)).toBe(reason);
  });

  it.each([null, ''])('without an id (%j) has that of its topic and body, so that the same is one message', (id) => {
    const idOf = (raw: RawMessage): string => readBusMessage(raw).id;
    const first = idOf(rawOf('{}', { id }));
    expect(first).toBe(createHash('sha256').update('org.example.koji.tag\0{}').digest('hex'));
    expect(new Set([first, idOf(rawOf('{}', { id })), idOf(rawOf('{} ', { id })), idOf(rawOf('{}', { id, topic: 'other' }))]).size).toBe(3);
  });

  it.each(['x'.repeat(256), 'a\0b', '\ud800'])('whose id cannot be a key has its digest', (id) => {
    expect(readBusMessage(rawOf('{}', { id })).id).toMatch(/^[0-9a-f]{64}$/);
    expect(readBusMessage(rawOf('{}', { id })).id).toBe(readBusMessage(rawOf('[]', { id })).id);
  });

  it('is shown by its first bytes', () => {
    expect(excerptOf(rawOf('{}'))).toBe('{}');
    expect(excerptOf(rawOf('é'.repeat(5000)))).toBe(`${'é'.repeat(500)}…`);
  });
});
