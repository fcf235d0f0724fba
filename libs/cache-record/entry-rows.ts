import { createHash } from 'node:crypto';
import type { BlobReference, CacheEntry, EntryDraft, EntryKind, EntryName, EntryOrigin } from '../cache/cache-entry.js';
import { entryStreamId, sortedPairs } from '../cache/entry-stream.js';
import { isoUtc } from '../database/iso-utc.js';
import { digestKey, shapeNumbers } from './blob-keys.js';

/** Characters of a key that its index has: a page takes no longer ones. */
export const keyStartCharacters = 200;

/** An entry's name as tables and streams have it. */
export interface NameKey {
  readonly kind: EntryKind;
  readonly nameDigest: Buffer;
  readonly qualifiers: string;
  readonly stream: string;
}

export function nameKey({ instance, kind, key, qualifiers: given }: EntryName): NameKey {
  const qualifiers = sortedPairs(given);
  const nameDigest = createHash('sha256').update(JSON.stringify([key, qualifiers])).digest();
  return { kind, nameDigest, qualifiers, stream: entryStreamId({ instance, kind, nameDigest: nameDigest.toString('hex') }) };
}

/** Not in the middle of a character: half of one is nothing that PostgreSQL takes. */
export const keyStart = (key: string): string => [...key.slice(0, keyStartCharacters + 1)].slice(0, keyStartCharacters).join('').replace(/[\ud800-\udbff]$/, '');

interface EntryDetails {
  readonly target: BlobReference | null;
  readonly references: readonly BlobReference[];
  readonly properties: Readonly<Record<string, string>>;
  readonly origin: EntryOrigin;
}

export function toDetails({ target, references, properties, origin }: EntryDraft): string {
  return JSON.stringify({ target: target ?? null, references, properties, origin } satisfies EntryDetails);
}

/** What a push is, apart from who says it and where it comes from: the very same again changes nothing. */
export function contentDigest({ target, references, properties, value, expiresAt }: EntryDraft): Buffer {
  const blobs = [target, ...references].map((one) => one && [digestKey(one.digest), shapeNumbers[one.shape]]);
  return createHash('sha256')
    .update(JSON.stringify([blobs, sortedPairs(properties), value === undefined ? null : valueDigest(value), expiresAt ?? null]))
    .digest();
}

export const valueDigest = (value: Buffer): string => createHash('sha256').update(value).digest('hex');

export const entryColumns = `id, instance, kind, key, qualifiers, details, value, ${isoUtc('expires_at')} as expires_at, ${isoUtc('pushed_at')} as pushed_at, pushed_by`;

/** Without its value and references, which may be long. */
export const briefEntryColumns = entryColumns
  .replace('details, value,', `json_build_object('target', details::json->'target', 'references', '[]'::json, 'properties', '{}'::json, 'origin', details::json->'origin')::text as details, null::bytea as value,`);

export interface SelectedEntry {
  readonly id: string;
  readonly instance: string;
  readonly kind: EntryKind;
  readonly key: string;
  readonly qualifiers: string;
  readonly details: string;
  readonly value: Buffer | null;
  readonly expires_at: string | null;
  readonly pushed_at: string;
  readonly pushed_by: string;
}

export function toEntry(row: SelectedEntry): CacheEntry {
  const { target, references, properties, origin } = JSON.parse(row.details) as EntryDetails;
  return {
    instance: row.instance,
    kind: row.kind,
    key: row.key,
    qualifiers: toQualifiers(row.qualifiers),
    target: target ?? undefined,
    value: row.value ?? undefined,
    references,
    properties,
    expiresAt: row.expires_at ?? undefined,
    pushedAt: row.pushed_at,
    pushedBy: row.pushed_by,
    origin,
  };
}

export const toQualifiers = (text: string): Readonly<Record<string, string>> => JSON.parse(text) as Readonly<Record<string, string>>;
