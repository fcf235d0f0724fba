import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** Decoded bytes; the largest known products file has some 20 MB. */
export const streamsLimit = 64 * 1024 * 1024;

/** A file that a products document declares. */
export interface StreamItem {
  /** Below the root of the mirror, without a slash at its start. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** `squashfs`, `lxd.tar.xz`, `disk-kvm.img`. */
  readonly fileType: string;
  readonly product: string;
  readonly version: string;
  readonly architecture: string;
  /** `Ubuntu 24.04`. */
  readonly title: string;
}

/** What a document of simple streams says. */
export interface StreamsDocument {
  readonly format: 'index:1.0' | 'products:1.0';
  /** Of an index: paths of its products documents. */
  readonly paths: readonly string[];
  readonly items: readonly StreamItem[];
}

const maxItems = 500_000;

type Json = Record<string, unknown>;

/** Reads an index or a products document. Throws the reason for other documents, and for paths that leave the mirror. */
export function parseStreams(bytes: Buffer): StreamsDocument {
  const document = parseBoundedJson(bytes, { depth: 16 });
  if (!isRecord(document)) throw refusal('the document is not a JSON object');
  switch (own(document, 'format')) {
    case 'index:1.0':
      return { format: 'index:1.0', paths: entriesOf(document, 'index').map(([, entry]) => readPath(entry)), items: [] };
    case 'products:1.0':
      return { format: 'products:1.0', paths: [], items: readProducts(document) };
    default:
      throw refusal('the document is neither an index ("index:1.0") nor a list of products ("products:1.0") of simple streams');
  }
}

function readProducts(document: Json): readonly StreamItem[] {
  const items: StreamItem[] = [];
  for (const [product, description] of entriesOf(document, 'products')) {
    const architecture = textAt(description, 'arch');
    const title = [textAt(description, 'os'), textAt(description, 'release_title') || textAt(description, 'release')].join(' ').trim();
    for (const [version, release] of entriesOf(description, 'versions')) {
      for (const [name, item] of entriesOf(release, 'items')) {
        // Some items only point elsewhere (cloud image ids) and have no file.
        if (own(item, 'path') === undefined) continue;
        if (items.length === maxItems) throw limitExceeded(`the document declares more than ${maxItems} files`);
        items.push({ ...readItem(item, name), product, version, architecture, title });
      }
    }
  }
  return items;
}

function readItem(item: Json, name: string): Pick<StreamItem, 'path' | 'sha256' | 'size' | 'fileType'> {
  const sha256 = textAt(item, 'sha256').toLowerCase();
  const size = own(item, 'size');
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refusal(`the item ${JSON.stringify(name.slice(0, 80))} has no SHA-256 digest`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw refusal(`the item ${JSON.stringify(name.slice(0, 80))} has no size`);
  return { path: readPath(item), sha256, size, fileType: textAt(item, 'ftype') };
}

function readPath(item: Json): string {
  const path = own(item, 'path');
  const isPlain = typeof path === 'string' && path !== '' && path.length <= 2048 && !/^\/|[\\\0?#]|(?:^|\/)\.\.?(?:\/|$)/.test(path);
  if (!isPlain) throw refusal('the document has an item with an impossible path');
  return path;
}

function entriesOf(record: Json, key: string): readonly (readonly [string, Json])[] {
  const value = own(record, key);
  if (!isRecord(value)) throw refusal(`the document has no ${JSON.stringify(key)}`);
  return Object.entries(value).map(([name, entry]) => {
    if (!isRecord(entry)) throw refusal(`an entry of ${JSON.stringify(key)} is not a JSON object`);
    return [name, entry] as const;
  });
}

function textAt(record: Json, key: string): string {
  const value = own(record, key);
  return typeof value === 'string' ? value.slice(0, 256) : '';
}
