import { query, type Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import { digestColumns, toDigest, type SelectedDigest } from './blob-keys.js';
import type { CacheRecord } from './cache-record.js';
import { toPlace } from './find-blobs.js';
import { useTimes, type RecordContext } from './record-context.js';

const cursorPattern = /^([0-9a-f]{64})\/([12])\/([0-9]{1,16})$/;

export function createCollection(context: RecordContext): Pick<CacheRecord, 'garbage' | 'forgetGarbage' | 'blobsAfter'> {
  const sql: Sql = (text, parameters) => query(context.database, text, parameters);
  return {
    async garbage(instance, limit) {
      const { now } = useTimes(context, instance);
      // An announced one is taken from whoever still writes it, before anybody deletes it.
      const rows = await sql<{ key: string }>(
        `with due as (select key from cache_objects where instance = $1 and due_at <= $2 order by due_at limit $3 for update skip locked)
         update cache_objects o set announced = false from due d where o.instance = $1 and o.key = d.key returning o.key`,
        [instance, now, limit],
      );
      return rows.map(({ key }) => key);
    },

    async forgetGarbage(instance, keys) {
      await sql('delete from cache_objects where instance = $1 and key = any($2::text[]) and not announced', [instance, keys]);
    },

    async blobsAfter(instance, after, limit) {
      useTimes(context, instance);
      const parts = after === undefined ? ['', '0'.repeat(64), '0', '0'] : cursorPattern.exec(after);
      if (parts === null) throw new MillraceError('invalid-request', `${JSON.stringify(after)} is no place among the blobs of ${instance}`);
      const rows = await sql<SelectedDigest & { object: string }>(
        `select ${digestColumns('b')}, object from cache_blobs b where instance = $1 and (b.hash, b.function, b.size) > (decode($2, 'hex'), $3::smallint, $4::bigint) and object is not null
         order by b.hash, b.function, b.size limit $5`,
        [instance, parts[1], parts[2], parts[3], limit],
      );
      return rows.map((row) => ({ digest: toDigest(row), place: toPlace({ object: row.object, content: null }), cursor: `${row.hash}/${row.function}/${row.size}` }));
    },
  };
}
