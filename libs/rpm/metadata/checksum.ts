import { refusal } from '../../inspection/refusal.js';
import { attribute, type XmlRecord } from './xml-records.js';

export type ChecksumAlgorithm = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Lower-case hex. */
  readonly hex: string;
}

/** rpm-md's names, `sha` among them, to hex digits. */
const algorithms: Readonly<Record<string, readonly [ChecksumAlgorithm, number]>> = {
  md5: ['md5', 32],
  sha: ['sha1', 40],
  sha1: ['sha1', 40],
  sha224: ['sha224', 56],
  sha256: ['sha256', 64],
  sha384: ['sha384', 96],
  sha512: ['sha512', 128],
};

/** Reads `<checksum type="sha256">…</checksum>` (also `open-checksum`, and `hash` of metalinks). Throws a reason for unknown kinds and bad digests. */
export function parseChecksum(record: XmlRecord): Checksum {
  const type = attribute(record, 'type') ?? '';
  const known = Object.hasOwn(algorithms, type) ? algorithms[type] : undefined;
  if (known === undefined) throw refusal(`a <${record.name}> has the unknown type ${JSON.stringify(type.slice(0, 32))}`);
  const [algorithm, length] = known;
  const hex = record.text.toLowerCase();
  if (hex.length !== length || !/^[0-9a-f]*$/.test(hex)) throw refusal(`a <${record.name}> is not a ${type} digest`);
  return { algorithm, hex };
}
