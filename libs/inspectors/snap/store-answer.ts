import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { StoredSnap } from './declared-snaps.js';

/** Decoded bytes of an answer of the store; the list of all names has some 5 MB. */
export const storeAnswerLimit = 32 * 1024 * 1024;
const maxSnaps = 4096;

type Json = Record<string, unknown>;

/** Snaps of an answer to `v2/snaps/info/<name>`: one per channel. Throws the reason for another document. */
export function readInfo(bytes: Buffer, asked: string): readonly StoredSnap[] {
  const document = objectOf(bytes);
  const channels = listAt(document, 'channel-map');
  const name = textAt(document, 'name');
  if (name !== asked) throw refusal(`the store's answer is about ${JSON.stringify(name.slice(0, 64))}, not about ${JSON.stringify(asked.slice(0, 64))}`);
  const snap = recordAt(document, 'snap');
  return channels.map((channel) => {
    const entry = itemOf(channel);
    return {
      ...readRelease(entry, snap),
      name,
      snapId: textAt(document, 'snap-id') || textAt(snap, 'snap-id'),
      architecture: textAt(recordAt(entry, 'channel'), 'architecture'),
    };
  });
}

/** What a refresh did: the snaps that were found, and the codes of errors. */
export interface RefreshAnswer {
  readonly snaps: readonly StoredSnap[];
  readonly channels: readonly string[];
  readonly errors: readonly string[];
}

/** An answer to `v2/snaps/refresh`. Throws the reason for another document. */
export function readRefresh(bytes: Buffer): RefreshAnswer {
  const document = objectOf(bytes);
  const results = listAt(document, 'results').map(itemOf);
  const found = results.filter((result) => isRecord(own(result, 'snap')));
  const snaps = found.map((result) => {
    const snap = recordAt(result, 'snap');
    const architectures = own(snap, 'architectures');
    const first: unknown = Array.isArray(architectures) ? architectures[0] : '';
    return {
      ...readRelease(snap, snap),
      name: textAt(snap, 'name') || textAt(result, 'name'),
      snapId: textAt(snap, 'snap-id') || textAt(result, 'snap-id'),
      architecture: typeof first === 'string' ? first : '',
    };
  });
  const errors = results.flatMap((result) => (isRecord(own(result, 'error')) ? [textAt(recordAt(result, 'error'), 'code')] : []));
  return { snaps, channels: found.map((result) => textAt(result, 'effective-channel')).filter((channel) => channel !== ''), errors };
}

/** Number of names in an answer to `api/v1/snaps/names`, or of sections. Throws the reason for another document. */
export function countEmbedded(bytes: Buffer, key: string): number {
  return listAt(recordAt(objectOf(bytes), '_embedded'), key).length;
}

/** Whether an answer has one of these as a text that is not empty; what they are is a secret. */
export function hasSecret(bytes: Buffer, keys: readonly string[]): boolean {
  const document = objectOf(bytes);
  return keys.some((key) => textAt(document, key) !== '');
}

function readRelease(release: Json, snap: Json): Omit<StoredSnap, 'name' | 'snapId' | 'architecture'> {
  const download = recordAt(release, 'download');
  const digest = textAt(download, 'sha3-384');
  const size = own(download, 'size');
  const revision = own(release, 'revision');
  if (!/^[0-9a-f]{96}$/.test(digest)) throw refusal("the store's answer has a download without a SHA3-384 digest");
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw refusal("the store's answer has a download without a size");
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision)) throw refusal("the store's answer has a snap without a revision");
  const publisher = recordAt(snap, 'publisher');
  return {
    digest,
    size,
    revision,
    version: textAt(release, 'version'),
    url: textAt(download, 'url'),
    publisher: textAt(publisher, 'display-name') || textAt(publisher, 'username'),
    license: textAt(snap, 'license'),
    summary: textAt(snap, 'summary'),
    created: textAt(release, 'created-at'),
  };
}

function objectOf(bytes: Buffer): Json {
  const document = parseBoundedJson(bytes);
  if (!isRecord(document)) throw refusal("the store's answer is not a JSON object");
  return document;
}

function listAt(record: Json, key: string): readonly unknown[] {
  const value = own(record, key);
  if (!Array.isArray(value)) throw refusal(`the store's answer has no list ${JSON.stringify(key)}`);
  if (key !== 'clickindex:package' && value.length > maxSnaps) throw limitExceeded(`the store's answer has more than ${maxSnaps} items`);
  return value;
}

function itemOf(value: unknown): Json {
  if (!isRecord(value)) throw refusal("an item of the store's answer is not a JSON object");
  return value;
}

function recordAt(record: Json, key: string): Json {
  const value = own(record, key);
  return isRecord(value) ? value : {};
}

function textAt(record: Json, key: string): string {
  const value = own(record, key);
  return typeof value === 'string' ? value.slice(0, 8192) : '';
}
