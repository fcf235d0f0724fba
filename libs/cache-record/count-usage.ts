import type { Sql } from '../database/sql.js';

export interface UsageChange {
  readonly bytes?: number;
  readonly blobs?: number;
  readonly entries?: number;
}

/** Rows of one instance: that many writers count at once. */
const shards = 16;

/** The last statement of a transaction that changes what there is: its row is held until the commit. */
export async function countUsage(sql: Sql, instance: string, { bytes = 0, blobs = 0, entries = 0 }: UsageChange): Promise<void> {
  if (bytes === 0 && blobs === 0 && entries === 0) return;
  await sql(
    `insert into cache_usage as u (instance, shard, bytes, blobs, entries) values ($1, pg_backend_pid() % ${shards}, $2, $3, $4)
     on conflict (instance, shard) do update set bytes = u.bytes + excluded.bytes, blobs = u.blobs + excluded.blobs, entries = u.entries + excluded.entries`,
    [instance, bytes, blobs, entries],
  );
}
