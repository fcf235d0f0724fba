import { refusal } from '../../inspection/refusal.js';

/** Finds where a zstd frame ends, without unpacking it: RFC 8878, section 3.1. */
export interface ZstdFrameScanner {
  /** Goes on with the next bytes of the frame. Answers how many of them are the frame's; `ended` then says whether there are more to come. */
  scan(bytes: Buffer): number;
  readonly ended: boolean;
}

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const runLength = 1;
const reservedType = 3;

/** The fields of which the scanner must know the value, and what stands between them. */
type Field = 'magic' | 'skippableSize' | 'descriptor' | 'block';
const fieldLengths: Readonly<Record<Field, number>> = { magic: 4, skippableSize: 4, descriptor: 1, block: 3 };

export function createZstdFrameScanner(): ZstdFrameScanner {
  let field: Field | undefined = 'magic';
  let [value, missing, passing, checksum, last] = [0, fieldLengths.magic, 0, 0, false];

  function expect(next: Field | undefined): void {
    field = next;
    [value, missing] = [0, next === undefined ? 0 : fieldLengths[next]];
  }

  function finishField(): void {
    if (field === 'magic') {
      if ((value & 0xfffffff0) >>> 0 === skippableMagic) return expect('skippableSize');
      if (value !== frameMagic) throw refusal('the zstd data has other data after its end');
      return expect('descriptor');
    }
    if (field === 'skippableSize') {
      passing = value;
      return expect(undefined);
    }
    if (field === 'descriptor') {
      const singleSegment = (value & 0x20) !== 0;
      const [dictionaryBytes, sizeBytes] = [[0, 1, 2, 4][value & 3] as number, [singleSegment ? 1 : 0, 2, 4, 8][value >> 6] as number];
      passing = (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
      checksum = (value & 4) === 0 ? 0 : 4;
      return expect('block');
    }
    const type = (value >> 1) & 3;
    if (type === reservedType) throw refusal('the zstd data has a block of an unknown type');
    last = (value & 1) !== 0;
    passing = (type === runLength ? 1 : value >> 3) + (last ? checksum : 0);
    expect(last ? undefined : 'block');
  }

  return {
    get ended() {
      return field === undefined && passing === 0;
    },
    scan(bytes) {
      let at = 0;
      while (at < bytes.length) {
        const passed = Math.min(passing, bytes.length - at);
        passing -= passed;
        at += passed;
        if (field === undefined || at === bytes.length) break;
        value += (bytes[at] as number) * 256 ** (fieldLengths[field] - missing);
        at += 1;
        missing -= 1;
        if (missing === 0) finishField();
      }
      return at;
    },
  };
}
