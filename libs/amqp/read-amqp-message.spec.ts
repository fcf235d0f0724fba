import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import rhea from 'rhea';
import { readAmqpMessage } from './read-amqp-message.js';

const encode = (message: object): Buffer => rhea.message.encode(message as Parameters<typeof rhea.message.encode>[0]);
const data = (text: string): unknown => rhea.message.data_section(Buffer.from(text));

const text = fc.string({ unit: 'grapheme', maxLength: 300 });
const message = fc.record({
  durable: fc.boolean(),
  message_id: fc.oneof(text, fc.nat()),
  to: text,
  subject: text,
  reply_to: text,
  content_type: fc.constant('application/json'),
  content_encoding: fc.constantFrom('gzip', 'utf-8'),
  creation_time: fc.date({ noInvalidDate: true, min: new Date(0) }),
  message_annotations: fc.constant({ 'x-routing-key': 'a.b', 'x-number': 5 }),
  application_properties: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }).filter((key) => key !== '__proto__'), fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 20 }),
});

describe('an encoded message of AMQP 1.0', () => {
  it('is read as the client library wrote it', () => {
    fc.assert(
      fc.property(message, fc.oneof(text, fc.string({ minLength: 300, maxLength: 2000 })), (parts, body) => {
        const read = readAmqpMessage(encode({ ...parts, body: data(body) }));
        expect(read).toMatchObject({ id: String(parts.message_id), to: parts.to, subject: parts.subject, contentEncoding: parts.content_encoding });
        expect(read.body?.toString()).toBe(Buffer.from(body).toString());
        expect([...read.annotations]).toEqual([['x-routing-key', 'a.b']]);
        expect(Object.fromEntries(read.applicationProperties)).toEqual(Object.fromEntries(Object.entries(parts.application_properties).filter(([, value]) => typeof value === 'string')));
      }),
    );
  });

  it.each([
    ['a text', encode({ body: '{"a":1}' }), '{"a":1}'],
    ['bytes in pieces', encode({ body: rhea.message.data_sections([Buffer.from('{"a"'), Buffer.from(':1}')]) }), '{"a":1}'],
    ['a map', encode({ body: { a: 1 } }), undefined],
    ['a list', encode({ body: rhea.message.sequence_section([1]) }), undefined],
  ])('has %s as its body, or none that can be read', (_what, encoded, body) => {
    expect(readAmqpMessage(encoded).body?.toString()).toBe(body);
  });

  it('may have a UUID as its id', () => {
    const uuid = '0011223344556677' + '8899aabbccddeeff';
    expect(readAmqpMessage(Buffer.from(`005373c01201` + `98${uuid}`, 'hex')).id).toBe('00112233-4455-6677-8899-aabbccddeeff');
  });

  it.each([
    ['lists in lists, a hundred thousand deep', nested(100_000)],
    ['an array of four thousand million nulls', Buffer.from('005377f000000005ffffffff40', 'hex')],
  ])('is passed over without being built: %s', (_what, encoded) => {
    const start = process.memoryUsage().heapUsed;
    expect(readAmqpMessage(encoded).body).toBeNull();
    expect(process.memoryUsage().heapUsed - start).toBeLessThan(64 * 1024 * 1024);
  });

  it('throws RangeError and nothing else, whatever the bytes', () => {
    const attempt = (bytes: Buffer): void => {
      try {
        readAmqpMessage(bytes);
      } catch (error) {
        if ((error as Error).name !== 'RangeError') throw error;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(Buffer.from(bytes))));
    const whole = encode({ message_id: 'a', subject: 'b', application_properties: { c: 'd' }, body: data('{}') });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        attempt(changed);
        attempt(whole.subarray(0, at));
      }),
    );
    expect(() => readAmqpMessage(whole.subarray(0, -1))).toThrow(RangeError);
  });
});

/** An amqp-value of lists, each with one more in it. */
function nested(depth: number): Buffer {
  const frames: Buffer[] = [];
  for (let size = 4, level = 0; level < depth; level += 1, size += 9) {
    const frame = Buffer.alloc(9);
    frame[0] = 0xd0;
    frame.writeUInt32BE(size, 1);
    frame.writeUInt32BE(level === 0 ? 0 : 1, 5);
    frames.unshift(frame);
  }
  return Buffer.concat([Buffer.from('005377', 'hex'), ...frames]);
}
