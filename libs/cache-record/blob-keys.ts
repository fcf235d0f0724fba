import { digestFunctions, type CacheDigest } from '../cache/cache-digest.js';
import type { BlobShape } from '../cache/cache-entry.js';
import { checkDigest } from '../cache/check-entry.js';

/** As tables have them; shapes are bits. */
export const functionNumbers = { sha256: 1, blake3: 2 } as const;
export const shapeNumbers: Readonly<Record<BlobShape, number>> = { plain: 0, directory: 1, tree: 2 };
const shapes: readonly BlobShape[] = ['plain', 'directory', 'tree'];

export const digestColumns = (table: string): string => `encode(${table}.hash, 'hex') as hash, ${table}.function, ${table}.size`;

export interface SelectedDigest {
  readonly hash: string;
  readonly function: number;
  readonly size: string;
}

export function toDigest(row: SelectedDigest): CacheDigest {
  return { function: digestFunctions[row.function - 1] ?? 'sha256', hash: row.hash, size: Number(row.size) };
}

export const toShape = (number: number): BlobShape => shapes[number] ?? 'plain';

/** What one digest is in a map. */
export const digestKey = ({ function: named, hash, size }: CacheDigest): string => `${hash}/${named}/${size}`;

/**
 * Parameters of many digests: hashes as one value, which the driver hands over as it is (an array of `bytea` would be written out in hex and read again).
 * Errors: `invalid-request` for what is no digest.
 */
export function digestParameters(digests: readonly CacheDigest[]): readonly [hashes: Buffer, functions: readonly number[], sizes: readonly number[]] {
  const hashes = Buffer.allocUnsafe(digests.length * 32);
  digests.forEach((digest, index) => {
    checkDigest(digest);
    hashes.write(digest.hash, index * 32, 'hex');
  });
  return [hashes, digests.map(({ function: named }) => functionNumbers[named]), digests.map(({ size }) => size)];
}

/** Rows `place` (from 1), `hash`, `function`, `size` of three parameters from number `first` on. */
export const digestRows = (first: number): string =>
  `(select place, substring($${first}::bytea from (place::int - 1) * 32 + 1 for 32) as hash, function, size from unnest($${first + 1}::smallint[], $${first + 2}::bigint[]) with ordinality as given(function, size, place))`;

/**
 * The blobs of instance `$1` that such rows name: the limit has each looked up in the index, however many there are, and the order has neighbours looked up one after the other.
 * Columns of `b` are those that are named.
 */
export const blobLookup = (first: number, columns: string, condition = 'true'): string =>
  `(select * from ${digestRows(first)} given order by hash) w
   cross join lateral (select ${columns} from cache_blobs where instance = $1 and hash = w.hash and function = w.function and size = w.size and ${condition} limit 1) b`;

/** The order in which every transaction locks and makes blobs, so that none wait for each other in a circle. */
export function inLockOrder<Item>(items: readonly Item[], digestOf: (item: Item) => CacheDigest): Item[] {
  return [...items].sort((one, other) => compareDigests(digestOf(one), digestOf(other)));
}

export const lockOrder = 'hash, function, size';

function compareDigests(one: CacheDigest, other: CacheDigest): number {
  if (one.hash !== other.hash) return one.hash < other.hash ? -1 : 1;
  return functionNumbers[one.function] - functionNumbers[other.function] || one.size - other.size;
}
