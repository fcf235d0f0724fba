import { crc32 } from 'node:zlib';

/** Where a record lies in a pack. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
}

// Another number whenever fragments change their form or their content: packs of other versions are passed over.
const magic = Buffer.from('MRPACK01');
/** Magic, number of records, CRC-32 of the index. */
export const packPrefixLength = magic.length + 8;
/** SHA-256 of the package, offset, length and CRC-32 of the record. */
const entryLength = 32 + 12;

/** Many records as one file of less than 4 GiB: an index, then the records. Records by the hex SHA-256 of their packages. */
export function encodePack(records: ReadonlyMap<string, Buffer>): readonly Buffer[] {
  const index = Buffer.allocUnsafe(records.size * entryLength);
  let [at, offset] = [0, packPrefixLength + index.length];
  for (const [sha256, record] of records) {
    index.write(sha256, at, 'hex');
    index.writeUInt32LE(offset, at + 32);
    index.writeUInt32LE(record.length, at + 36);
    index.writeUInt32LE(crc32(record), at + 40);
    at += entryLength;
    offset += record.length;
  }
  const prefix = Buffer.allocUnsafe(packPrefixLength);
  magic.copy(prefix);
  prefix.writeUInt32LE(records.size, magic.length);
  prefix.writeUInt32LE(crc32(index), magic.length + 4);
  return [prefix, index, ...records.values()];
}

/** Bytes of the index that a pack's first bytes announce; undefined when they are no pack's. */
export function packIndexLength(prefix: Buffer): number | undefined {
  return prefix.length === packPrefixLength && prefix.subarray(0, magic.length).equals(magic) ? prefix.readUInt32LE(magic.length) * entryLength : undefined;
}

/** Undefined when the index is damaged. */
export function decodePackIndex(prefix: Buffer, index: Buffer): ReadonlyMap<string, RecordPlace> | undefined {
  if (packIndexLength(prefix) !== index.length || crc32(index) !== prefix.readUInt32LE(magic.length + 4)) return undefined;
  const places = new Map<string, RecordPlace>();
  for (let at = 0; at < index.length; at += entryLength) {
    places.set(index.toString('hex', at, at + 32), { offset: index.readUInt32LE(at + 32), length: index.readUInt32LE(at + 36), crc: index.readUInt32LE(at + 40) });
  }
  return places;
}
