import { refusal } from '../../inspection/refusal.js';

export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  /** Bytes of content that follow. */
  readonly size: number;
  /** One character; `0` for the old NUL. */
  readonly typeFlag: string;
}

const zero = Buffer.alloc(512);

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(zero);
}

/** One 512-byte header of a v7, ustar, pax or GNU archive. Throws when the checksum or a number is wrong. */
export function parseTarHeader(block: Buffer): TarHeader {
  if (!checksumHolds(block)) throw refusal('the tar archive is corrupt: a header has a wrong checksum');
  const ustar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = ustar ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const flag = String.fromCharCode(block[156] as number);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    size: parseSize(block.subarray(124, 136)),
    typeFlag: flag === '\0' ? '0' : flag,
  };
}

function checksumHolds(block: Buffer): boolean {
  const declared = parseOctal(block.subarray(148, 156));
  let unsigned = 8 * 0x20;
  for (let index = 0; index < 512; index += 1) if (index < 148 || index >= 156) unsigned += block[index] as number;
  return unsigned === declared;
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal, or base 256 (GNU) when the top bit is set. */
function parseSize(field: Buffer): number {
  const first = field[0] as number;
  if ((first & 0x80) === 0) return parseOctal(field) ?? fail();
  if (first !== 0x80) return fail(); // negative, or more than 2^88
  let size = 0;
  for (let index = 1; index < field.length; index += 1) {
    size = size * 256 + (field[index] as number);
    if (size > Number.MAX_SAFE_INTEGER) return fail();
  }
  return size;
}

function parseOctal(field: Buffer): number | undefined {
  const digits = field.toString('latin1').replaceAll('\0', ' ').trim();
  if (digits === '') return 0;
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function fail(): never {
  throw refusal('the tar archive is corrupt: an entry has an impossible size');
}
