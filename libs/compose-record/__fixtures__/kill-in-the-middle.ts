import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { Client } from 'pg';
import type { Database } from '../../database/open-database.js';
import { query } from '../../database/sql.js';

export interface Scene {
  /** Opened under the application name `victim`. */
  readonly victims: Database;
  readonly database: Database;
  /** Where the command is stopped: it waits to write this. */
  readonly table: string;
}

/** Stops the command where it writes a projection, its events being written, and kills its connection there. */
export async function killInTheMiddle({ victims, database, table }: Scene, run: (victims: Database) => Promise<unknown>): Promise<void> {
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query(`lock table ${table} in exclusive mode`);
    const command = run(victims).then(
      () => 'answered',
      (error: unknown) => (error as { code?: unknown }).code,
    );
    await waitUntilBlocked(database);
    await query(database, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and datname = current_database()`);
    expect(await command).toBe('database-unavailable');
  } finally {
    await holder.end();
  }
}

async function waitUntilBlocked(database: Database): Promise<void> {
  for (;;) {
    const rows = await query(database, `select 1 from pg_stat_activity where application_name = 'victim' and datname = current_database() and wait_event_type = 'Lock'`);
    if (rows.length > 0) return;
    await pause(5);
  }
}
