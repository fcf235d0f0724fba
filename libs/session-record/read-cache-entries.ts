import { readSessionTakings, type SessionTaking } from '../cache-record/session-takings.js';
import type { EntryKind } from '../cache/cache-entry.js';
import type { Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import { decodeCursor, encodeCursor } from './page-cursor.js';
import { pageLimit, type Page } from './read-sessions.js';

/** An entry of the artifact cache that came into a session, or out of it. */
export interface SessionCacheEntry {
  readonly instance: string;
  readonly kind: EntryKind;
  readonly key: string;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly how: 'pulled' | 'pushed';
  /** When it was first noted so. */
  readonly at: string;
  /** Of what the key led to: `<function>:<hash>/<size>`; null where the entry is a value only. */
  readonly target: string | null;
}

/** Also while the session runs. Errors: `invalid-request` for a cursor that is none. */
export async function readCacheEntries(database: Database, sessionId: string, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<SessionCacheEntry>> {
  const limit = pageLimit(page.limit);
  const after = page.cursor === undefined ? {} : { after: placeOf(page.cursor) };
  const rows = await readSessionTakings((text, parameters) => query(database, text, parameters), sessionId, { ...after, limit: limit + 1 });
  const last = rows.slice(0, limit).at(-1);
  return { items: rows.slice(0, limit).map(toCacheEntry), nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.instance, last.kind, last.digest]) : null };
}

function placeOf(cursor: string): readonly [string, string, string] {
  const [instance = '', kind = '', digest = ''] = decodeCursor(cursor, 3);
  if (!/^[0-9a-f]{64}$/.test(digest) || /\0/.test(instance + kind)) throw new MillraceError('invalid-request', 'not a cursor of this list');
  return [instance, kind, digest];
}

export function toCacheEntry({ instance, kind, key, qualifiers, how, at, target }: SessionTaking): SessionCacheEntry {
  return { instance, kind, key, qualifiers: JSON.parse(qualifiers) as Record<string, string>, how, at, target };
}
