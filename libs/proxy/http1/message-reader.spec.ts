import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRequestHead, requestFraming, type MalformedMessage } from './message-head.js';
import { MessageReader } from './message-reader.js';

interface Seen {
  readonly messages: { readonly target: string; body: string; ended: boolean }[];
  malformed: MalformedMessage | undefined;
}

/** Feeds the bytes in the given pieces and goes on to the next message whenever one has ended. */
function read(bytes: Buffer, cuts: readonly number[], maximumHead = 4096): Seen {
  const seen: Seen = { messages: [], malformed: undefined };
  let ended = false;
  const reader = new MessageReader(
    {
      onHead(text) {
        const head = parseRequestHead(text);
        seen.messages.push({ target: head.target, body: '', ended: false });
        return requestFraming(head);
      },
      onBody(chunk) {
        const message = seen.messages.at(-1);
        if (message !== undefined) message.body += chunk.toString('latin1');
      },
      onEnd() {
        const message = seen.messages.at(-1);
        if (message !== undefined) message.ended = true;
        ended = true;
      },
      onMalformed(error) {
        seen.malformed = error;
      },
    },
    maximumHead,
  );
  let position = 0;
  for (const cut of [...new Set(cuts)].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b).concat(bytes.length)) {
    reader.feed(Buffer.from(bytes.subarray(position, cut)));
    position = cut;
    while (ended) {
      ended = false;
      reader.next();
    }
  }
  return seen;
}

const pipeline = Buffer.from(
  ['POST /1 HTTP/1.1', 'Host: h', 'Content-Length: 5', '', 'helloPOST /2 HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', '', '3;ext="a"', 'abc', '10', '0123456789abcdef', '0', 'Trailer: x', '', 'GET /3 HTTP/1.1', 'Host: h', '', ''].join('\r\n'),
);

describe('MessageReader', () => {
  it('reads the same messages however the bytes are cut', () => {
    const whole = read(pipeline, []);
    expect(whole.messages).toEqual([
      { target: '/1', body: 'hello', ended: true },
      { target: '/2', body: 'abc0123456789abcdef', ended: true },
      { target: '/3', body: '', ended: true },
    ]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: pipeline.length - 1 }), { maxLength: 40 }), (cuts) => {
        expect(read(pipeline, cuts)).toEqual(whole);
      }),
    );
    expect(read(pipeline, Array.from({ length: pipeline.length }, (_, index) => index))).toEqual(whole);
  });

  it('never throws and never reads past a malformed message, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 5 }), (bytes, cuts) => {
        const seen = read(Buffer.concat([Buffer.from('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'), Buffer.from(bytes)]), cuts);
        expect(seen.messages.length).toBeGreaterThan(0);
        if (seen.malformed !== undefined) expect(seen.messages.at(-1)?.ended).toBe(false);
      }),
    );
  });

  it.each([
    ['a bare line feed after the size', '3\nabc\r\n0\r\n\r\n'],
    ['data longer than its size', '3\r\nabcd\r\n0\r\n\r\n'],
    ['a negative size', '-1\r\n\r\n'],
    ['a size with a prefix', '0x3\r\nabc\r\n0\r\n\r\n'],
    ['an absurd size', 'fffffffffffffff\r\n'],
    ['a carriage return in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n'],
    ['a trailer with a bare line feed', '0\r\nA: b\n\r\n\r\n'],
    ['a trailer without a colon', '0\r\nGET / HTTP/1.1\r\n\r\n'],
  ])('refuses %s in the chunked coding', (_name, body) => {
    const seen = read(Buffer.from(`POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${body}`), []);
    expect(seen.malformed?.status).toBe(400);
    expect(seen.messages).toHaveLength(1);
  });

  it('bounds the head, the chunk size line and the trailers', () => {
    expect(read(Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(5000)}`), []).malformed?.status).toBe(431);
    const chunked = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(read(Buffer.from(`${chunked}1;${'a'.repeat(5000)}`), []).malformed?.message).toContain('too long');
    expect(read(Buffer.from(`${chunked}0\r\n${`A: ${'b'.repeat(1000)}\r\n`.repeat(20)}\r\n`), []).malformed?.message).toContain('too long');
  });

  it('knows a proper end of the stream from a torn one', () => {
    const handler = { onHead: () => ({ kind: 'close' as const }), onBody: () => undefined, onEnd: () => undefined, onMalformed: () => undefined };
    const reader = new MessageReader(handler, 1024);
    expect(reader.end()).toBe(true);
    reader.feed(Buffer.from('HTTP/1.0 200 OK\r\n'));
    expect(reader.end()).toBe(false);
    reader.feed(Buffer.from('\r\nbody'));
    expect(reader.end()).toBe(true);
  });
});
