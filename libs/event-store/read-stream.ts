import { query } from '../database/sql.js';
import type { Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

export interface StoredEventRecord {
  readonly streamId: string;
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  /** The exact JSON text that was hashed. */
  readonly data: string;
  readonly previousDigest: string;
  readonly digest: string;
}

export interface ReadOptions {
  /** Only events after this position; 0 when not given. */
  readonly after?: number;
  /** Only up to and with this position. */
  readonly to?: number;
  /** Events per round trip; 500 when not given. */
  readonly pageSize?: number;
}

interface Row {
  readonly stream_id: string;
  readonly position: string;
  readonly event_id: string;
  readonly type: string;
  readonly data: string;
  readonly previous_digest: string;
  readonly digest: string;
}

/** Reads a stream in order, page by page, so that a long one does not have to fit into memory. An unknown stream is empty. */
export async function* readStream(source: Database | Sql, streamId: string, options: ReadOptions = {}): AsyncGenerator<StoredEventRecord, void, void> {
  const pageSize = options.pageSize ?? 500;
  const to = options.to ?? Number.MAX_SAFE_INTEGER;
  let after = options.after ?? 0;
  for (;;) {
    const rows = await run(source, [streamId, after, to, pageSize]);
    for (const row of rows) {
      after = Number(row.position);
      yield { streamId: row.stream_id, position: after, eventId: row.event_id, type: row.type, data: row.data, previousDigest: row.previous_digest, digest: row.digest };
    }
    if (rows.length < pageSize) return;
  }
}

function run(source: Database | Sql, parameters: readonly unknown[]): Promise<Row[]> {
  const text = `select stream_id, position, event_id, type, data, previous_digest, digest from events
    where stream_id = $1 and position > $2 and position <= $3 order by position limit $4`;
  return typeof source === 'function' ? source<Row>(text, parameters) : query<Row>(source, text, parameters);
}
