import { createHash } from 'node:crypto';
import { regionTag, signatureTag, tag } from '../package/tags.js';

/** A tag's value with its type: int32 for numbers, int16 for 16-bit ones, STRING and STRING_ARRAY for texts, BIN for bytes. */
export type TagValue = string | readonly string[] | readonly number[] | Uint16Array | Buffer;
export type Tags = readonly (readonly [number: number, value: TagValue])[];

export interface PackageParts {
  /** Added to, or put in place of, the tags that every package has. */
  readonly tags?: Tags;
  readonly payload?: Buffer;
  /** In place of the digests that fit. */
  readonly signatureTags?: (header: Buffer, payload: Buffer) => Tags;
  readonly major?: number;
}

/** Bytes of a number, by type. */
const widths: Readonly<Record<number, number>> = { 3: 2, 4: 4 };
const magic = Buffer.from([0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]);

/** A package that is sound in itself unless told otherwise. */
export function buildPackage({ tags = [], payload = Buffer.from('payload'), signatureTags = honestDigests, major = 3 }: PackageParts = {}): Buffer {
  const base: Tags = [
    [tag.name, 'built'],
    [tag.version, '1.0'],
    [tag.release, '1'],
    [tag.arch, 'noarch'],
    [tag.sourceRpm, 'built-1.0-1.src.rpm'],
    [tag.payloadCompressor, 'none'],
    [tag.payloadDigest, [sha256(payload)]],
    [tag.payloadDigestAlgorithm, [8]],
  ];
  const header = buildHeader('main', [...new Map([...base, ...tags]).entries()]);
  const signature = buildHeader('signature', signatureTags(header, payload));
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb, 0);
  lead[4] = major;
  lead.writeUInt16BE(5, 78); // the signature is a header: the only kind that rpm reads
  return Buffer.concat([lead, signature, Buffer.alloc((8 - (signature.length % 8)) % 8), header, payload]);
}

export function honestDigests(header: Buffer): Tags {
  return [[signatureTag.sha256Header, sha256(header)]];
}

/** Entries in the order of their tags, in a region of all of them. */
export function buildHeader(kind: keyof typeof regionTag, tags: Tags): Buffer {
  const index: Buffer[] = [];
  const store: Buffer[] = [];
  let length = 0;
  for (const [number, value] of [...tags].sort(([one], [other]) => one - other)) {
    const { type, count, bytes } = encode(value);
    const width = widths[type] ?? 1;
    const gap = (width - (length % width)) % width;
    index.push(entry([number, type, length + gap, count]));
    store.push(Buffer.alloc(gap), bytes);
    length += gap + bytes.length;
  }
  const region = entry([regionTag[kind], 7, length, 16]);
  const trailer = entry([regionTag[kind], 7, -16 * (tags.length + 1), 16]);
  return Buffer.concat([magic, entry([tags.length + 1, length + 16]), region, ...index, ...store, trailer]);
}

export function entry(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeInt32BE(number | 0, index * 4);
  return bytes;
}

function encode(value: TagValue): { readonly type: number; readonly count: number; readonly bytes: Buffer } {
  if (typeof value === 'string') return { type: 6, count: 1, bytes: Buffer.from(`${value}\0`) };
  if (Buffer.isBuffer(value)) return { type: 7, count: value.length, bytes: value };
  if (value instanceof Uint16Array) return { type: 3, count: value.length, bytes: Buffer.from([...value].flatMap((number) => [number >> 8, number & 255])) };
  if (value.every((item) => typeof item === 'string')) return { type: 8, count: value.length, bytes: Buffer.from(value.map((text) => `${text}\0`).join('')) };
  return { type: 4, count: value.length, bytes: entry(value.filter((item) => typeof item === 'number')) };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
