import { inTransaction } from '../database/sql.js';
import { entryStreamId } from '../cache/entry-stream.js';
import type { CacheRecord } from './cache-record.js';
import { useTimes, type RecordContext } from './record-context.js';

/** Milliseconds after which nobody asks any more what became of an entry. */
const memory = 90 * 24 * 60 * 60 * 1000;

interface OldName {
  readonly kind: string;
  readonly name: string;
}

export function createForgetting(context: RecordContext): Pick<CacheRecord, 'forgetOldEntries'> {
  return {
    async forgetOldEntries(instance, limit) {
      useTimes(context, instance);
      const since = new Date(context.now().getTime() - memory).toISOString();
      return inTransaction(context.database, async ({ sql }) => {
        const old = await sql<OldName>(`select kind, encode(name_digest, 'hex') as name from cache_entry_names where instance = $1 and removed_at < $2 order by removed_at limit $3`, [instance, since, limit]);
        const streams = old.map(({ kind, name }) => entryStreamId({ instance, kind, nameDigest: name }));
        // Held like by whoever pushes: streams first. What is being pushed again is not forgotten.
        const held = await sql<{ id: string }>('select id from streams where id = any($1::text[]) order by id for update skip locked', [streams]);
        const ids = new Set(held.map(({ id }) => id));
        const names = old.filter((_, index) => ids.has(streams[index] ?? ''));
        const gone = await sql<OldName>(
          `delete from cache_entry_names n using unnest($2::text[], $3::text[]) as o(kind, name)
           where n.instance = $1 and n.kind = o.kind and n.name_digest = decode(o.name, 'hex') and n.removed_at < $4 returning n.kind, encode(n.name_digest, 'hex') as name`,
          [instance, names.map(({ kind }) => kind), names.map(({ name }) => name), since],
        );
        const forgotten = gone.map(({ kind, name }) => entryStreamId({ instance, kind, nameDigest: name }));
        await sql('delete from events where stream_id = any($1::text[])', [forgotten]);
        await sql('delete from streams where id = any($1::text[])', [forgotten]);
        return forgotten.length;
      });
    },
  };
}
