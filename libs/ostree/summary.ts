import { readVariant } from './gvariant/read-variant.js';
import { writeVariant } from './gvariant/write-variant.js';
import type { TypedValue } from './gvariant/variant.js';
import { invalidOstree } from './invalid-ostree.js';
import { checksumText } from './object-name.js';
import { swap64 } from './metadata-objects.js';

const summaryType = '(a(s(taya{sv}))a{sv})';

export interface SummaryRef {
  /** `project/element/key`. */
  readonly name: string;
  /** Hex checksum of its commit. */
  readonly commit: string;
  /** Bytes of the commit object. */
  readonly size: bigint;
  /** Seconds since 1970, of the commit. */
  readonly timestamp: bigint;
}

export interface Summary {
  readonly refs: readonly SummaryRef[];
  /** Seconds since 1970; undefined where the writer did not say. */
  readonly modified: bigint | undefined;
}

/** The file `summary`, which clients list a repository's refs from. */
export function writeSummary({ refs, modified }: Summary): Buffer {
  const sorted = refs.toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
  const metadata: [string, TypedValue][] = [
    ['ostree.summary.mode', { signature: 's', value: 'archive-z2' }],
    ['ostree.summary.tombstone-commits', { signature: 'b', value: false }],
    ['ostree.summary.indexed-deltas', { signature: 'b', value: false }],
  ];
  if (modified !== undefined) metadata.push(['ostree.summary.last-modified', { signature: 't', value: swap64(modified) }]);
  return writeVariant(summaryType, [
    sorted.map(({ name, commit, size, timestamp }) => [name, [size, Buffer.from(commit, 'hex'), [['ostree.commit.timestamp', { signature: 't', value: swap64(timestamp) }]]]]),
    metadata.map(([key, value]) => [key, value]),
  ]);
}

/** Errors: `source-invalid`. */
export function readSummary(bytes: Buffer): Summary {
  const [refs, metadata] = readVariant(summaryType, bytes) as [[string, [bigint, Buffer, [string, TypedValue][]]][], [string, TypedValue][]];
  const modified = bigOf(metadata, 'ostree.summary.last-modified');
  return {
    refs: refs.map(([name, [size, commit, about]]) => ({ name, size, commit: checksumText(commit), timestamp: bigOf(about, 'ostree.commit.timestamp') ?? 0n })),
    modified,
  };
}

function bigOf(dictionary: readonly (readonly [string, TypedValue])[], key: string): bigint | undefined {
  const found = dictionary.find(([name]) => name === key)?.[1];
  if (found === undefined) return undefined;
  if (typeof found.value !== 'bigint') throw invalidOstree(`${key} of type ${found.signature}`);
  return swap64(found.value);
}
