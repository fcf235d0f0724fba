import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { WriteRequest } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';

const nameTag = (1 << 3) | 2;
const offsetTag = 2 << 3;
const finishTag = 3 << 3;
const dataTag = (10 << 3) | 2;

/** `WriteRequest` whose bytes are those of the message, where a general reader copies them: all that the cache is sent goes through here. Errors: what the wire format does not allow. */
export function readWriteRequest(message: Buffer): WriteRequest {
  const reader = new BinaryReader(message);
  const request = { resourceName: '', writeOffset: 0, finishWrite: false, data: Buffer.alloc(0) };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === nameTag) request.resourceName = reader.string();
    else if (tag === offsetTag) request.writeOffset = safeNumber(reader.int64());
    else if (tag === finishTag) request.finishWrite = reader.bool();
    else if (tag === dataTag) request.data = buffered(reader.bytes());
    else if ((tag & 7) === 4 || tag === 0) break;
    else reader.skip(tag & 7);
  }
  return request;
}

function buffered({ buffer, byteOffset, byteLength }: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function safeNumber(value: bigint | string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`an offset of ${value}`);
  return number;
}
