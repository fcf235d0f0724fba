import { isRecord, own } from '../../inspection/bounded-json.js';
import { parseDeclaredUrl, type DeclaredUrl } from '../declarations/declared-url.js';

/** A digest that a store gives a file. */
export interface StoreDigest {
  /** As `crypto.createHash` names it. */
  readonly algorithm: 'sha512' | 'sha3-384' | 'sha384' | 'sha256';
  /** Lower-case hex. */
  readonly hex: string;
}

export interface StoreDownload {
  readonly url: DeclaredUrl;
  readonly digest: StoreDigest;
  /** Bytes; undefined when the answer does not say. */
  readonly size: number | undefined;
  /** Of the object around the download, where it has one. */
  readonly name: string;
  readonly revision: string;
  readonly version: string;
}

const maxDownloads = 10_000;

/** Names that the stores' APIs have for digests, the strongest first. */
const digestKeys: readonly (readonly [string, StoreDigest['algorithm'], number])[] = [
  ['hash-sha-512', 'sha512', 128],
  ['hash-sha512', 'sha512', 128],
  ['hash-sha3-384', 'sha3-384', 96],
  ['sha3-384', 'sha3-384', 96],
  ['hash-sha-384', 'sha384', 96],
  ['hash-sha384', 'sha384', 96],
  ['hash-sha-256', 'sha256', 64],
  ['hash-sha256', 'sha256', 64],
];

type Json = Record<string, unknown>;

/**
 * Every object in an answer that has a URL and a digest, at whatever place: the APIs of charms, resources and other crafts differ in what they
 * put around their downloads, not in these. The document is bounded in depth by the caller.
 */
export function findDownloads(document: unknown): readonly StoreDownload[] {
  const downloads: StoreDownload[] = [];
  collect(document, {}, downloads);
  return downloads;
}

function collect(value: unknown, around: Json, downloads: StoreDownload[]): void {
  if (downloads.length === maxDownloads) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, around, downloads);
  } else if (isRecord(value)) {
    const download = readDownload(value, around);
    if (download !== undefined) downloads.push(download);
    for (const item of Object.values(value)) collect(item, value, downloads);
  }
}

function readDownload(record: Json, around: Json): StoreDownload | undefined {
  const url = own(record, 'url');
  const digest = strongestDigest(record);
  const declared = typeof url === 'string' ? parseDeclaredUrl(url) : undefined;
  if (declared === undefined || digest === undefined) return undefined;
  const size = own(record, 'size');
  const text = (key: string): string => {
    const value = own(around, key);
    return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 256) : '';
  };
  const isSize = typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  return { url: declared, digest, size: isSize ? size : undefined, name: text('name'), revision: text('revision'), version: text('version') };
}

function strongestDigest(record: Json): StoreDigest | undefined {
  for (const [key, algorithm, length] of digestKeys) {
    const hex = own(record, key);
    if (typeof hex === 'string' && hex.length === length && /^[0-9a-f]+$/i.test(hex)) return { algorithm, hex: hex.toLowerCase() };
  }
  return undefined;
}
