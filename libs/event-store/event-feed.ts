import pg from 'pg';

export interface FedEvent {
  readonly streamId: string;
  readonly type: string;
  /** As it was recorded: JSON of the event's own shape. */
  readonly data: unknown;
}

/**
 * Positions are given out before transactions commit, so a lower one may become visible after a higher one: this many are looked
 * through again at each read.
 */
const overlap = 1000;

/** Follows the record from now on, in an observer that loads no more of the database layer than a connection. */
export class EventFeed {
  readonly #pool: pg.Pool;
  readonly #types: readonly string[];
  #position: bigint | undefined;
  #seen = new Set<bigint>();

  constructor(databaseUrl: string, types: readonly string[]) {
    this.#types = types;
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: 2000, application_name: 'millrace-feed' });
    this.#pool.on('error', () => undefined); // the database is being started again; the next read says so
  }

  /** Events since the last call; the first call only finds out where the record ends. Rejects while the database is away. */
  async read(): Promise<readonly FedEvent[]> {
    if (this.#position === undefined) {
      const { rows } = await this.#pool.query<{ position: string }>('select global_position as position from events order by global_position desc limit $1', [overlap]);
      this.#seen = new Set(rows.map(({ position }) => BigInt(position)));
      this.#position = rows[0] === undefined ? 0n : BigInt(rows[0].position);
      return [];
    }
    const { rows } = await this.#pool.query<{ position: string; stream: string; type: string; data: string }>(
      'select global_position as position, stream_id as stream, type, data from events where global_position > $1 and not global_position = any($2::bigint[]) order by global_position limit 5000',
      [String(this.#position - BigInt(overlap)), [...this.#seen].map(String)],
    );
    for (const { position } of rows) this.#note(BigInt(position));
    const oldest = this.#position - BigInt(overlap);
    for (const position of this.#seen) if (position <= oldest) this.#seen.delete(position);
    return rows.filter(({ type }) => this.#types.includes(type)).map(({ stream, type, data }) => ({ streamId: stream, type, data: JSON.parse(data) as unknown }));
  }

  #note(position: bigint): void {
    this.#seen.add(position);
    if (this.#position === undefined || position > this.#position) this.#position = position;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
