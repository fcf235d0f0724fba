import pg from 'pg';
import type { TrafficEvent } from '../../libs/session/session-events.js';

/** Follows the record and gives one line for each request: the proxies themselves do not log what builds fetch. */
export class RequestLog {
  readonly #pool: pg.Pool;
  #position: string | undefined;

  constructor(databaseUrl: string) {
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: 2000 });
    this.#pool.on('error', () => undefined); // the database is being started again; the next read says so
  }

  /** Lines of the traffic events since the last call; the first call only finds out where the record ends. */
  async read(): Promise<readonly string[]> {
    if (this.#position === undefined) {
      const { rows } = await this.#pool.query<{ position: string }>('SELECT coalesce(max(global_position), 0)::text AS position FROM events');
      this.#position = rows[0]?.position ?? '0';
      return [];
    }
    const { rows } = await this.#pool.query<{ position: string; stream: string; type: string; data: string }>(
      `SELECT global_position::text AS position, stream_id AS stream, type, data FROM events
       WHERE global_position > $1 AND type IN ('ArtefactDownloaded', 'RequestRefused', 'DownloadFailed') ORDER BY global_position LIMIT 1000`,
      [this.#position],
    );
    this.#position = rows.at(-1)?.position ?? this.#position;
    return rows.map(({ stream, type, data }) => describeRequest(stream.replace(/^session:/, ''), { type, data: JSON.parse(data) as unknown } as TrafficEvent));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

export function describeRequest(sessionId: string, { type, data }: TrafficEvent): string {
  const request = `session ${sessionId}: ${data.request.method} ${data.request.url}`;
  switch (type) {
    case 'ArtefactDownloaded':
      return `${request}: ${data.response.status}, ${data.body.size} bytes, ${data.verdict}`;
    case 'RequestRefused':
      return `${request}: refused (${data.rule}): ${data.reason}`;
    case 'DownloadFailed':
      return `${request}: failed (${data.stage}): ${data.reason}`;
  }
}
