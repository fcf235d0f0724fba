import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ReadResponse, WriteRequest } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import { readResponseHead } from './read-response.js';
import { readWriteRequest } from './read-write-request.js';

const offsets = fc.maxSafeInteger();
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));

describe('a message of ByteStream that is written and read without copies', () => {
  it('is read as the generated reader reads it', () => {
    fc.assert(
      fc.property(fc.record({ resourceName: fc.string({ unit: 'binary' }), writeOffset: offsets, finishWrite: fc.boolean(), data: bytes }), (request) => {
        const message = Buffer.from(WriteRequest.encode(request).finish());
        expect(readWriteRequest(message)).toEqual(WriteRequest.decode(message));
      }),
    );
  });

  it('is refused where the generated reader refuses it, whatever its bytes are', () => {
    const outcome = (read: () => WriteRequest): unknown => {
      try {
        return read();
      } catch {
        return 'refused';
      }
    };
    const field = fc.tuple(fc.constantFrom(8, 10, 16, 18, 24, 82, 83, 84, 101, 122), fc.uint8Array({ maxLength: 12 })).map(([tag, rest]) => Buffer.from([tag, ...rest]));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), (fields) => {
        const message = Buffer.concat(fields);
        expect(outcome(() => readWriteRequest(message))).toEqual(outcome(() => WriteRequest.decode(message)));
      }),
    );
  });

  it('shares the memory of what came', () => {
    const message = Buffer.from(WriteRequest.encode({ resourceName: 'uploads/1/blobs/2/3', writeOffset: 0, finishWrite: true, data: Buffer.from('content') }).finish());
    const { data } = readWriteRequest(message);
    message.fill(0);
    expect(data).toEqual(Buffer.alloc('content'.length));
  });

  it('has a head that makes an answer of bytes', () => {
    for (const length of [0, 1, 127, 128, 16_383, 16_384, 262_144]) {
      const data = Buffer.alloc(length, 7);
      expect(ReadResponse.decode(Buffer.concat([readResponseHead(data), data])).data.equals(data)).toBe(true);
    }
  });
});
