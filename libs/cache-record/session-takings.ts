import type { EntryKind } from '../cache/cache-entry.js';
import { isoUtc } from '../database/iso-utc.js';
import type { Sql } from '../database/sql.js';

/** An entry that a session took from the cache, or pushed to it. */
export interface SessionTaking {
  readonly instance: string;
  readonly kind: EntryKind;
  readonly key: string;
  /** JSON object of texts. */
  readonly qualifiers: string;
  readonly how: 'pulled' | 'pushed';
  /** ISO 8601 UTC. */
  readonly at: string;
  /** `<function>:<hash>/<size>` of what the key led to then; null: there is a value in the record only, or it was gone already. */
  readonly target: string | null;
  /** Lower-case hex; with instance and kind, the place in the list. */
  readonly digest: string;
}

/** In the order of their names, which does not change while a session adds to them. */
export async function readSessionTakings(sql: Sql, session: string, page: { readonly after?: readonly [instance: string, kind: string, digest: string]; readonly limit?: number } = {}): Promise<readonly SessionTaking[]> {
  const { after, limit } = page;
  return sql<SessionTaking>(
    `select instance, kind, key, qualifiers, how, ${isoUtc('t.at')} as at, target, encode(name_digest, 'hex') as digest from cache_takings t
     where session = $1 ${after === undefined ? '' : `and (instance, kind, name_digest) > ($3 collate "C", $4 collate "C", decode($5, 'hex'))`} order by instance, kind, name_digest limit $2`,
    [session, limit ?? null, ...(after ?? [])],
  );
}

/** A session that leaves no record leaves none of these. */
export async function deleteSessionTakings(sql: Sql, session: string): Promise<void> {
  await sql('delete from cache_takings where session = $1', [session]);
}
