import { afterAll, beforeAll } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

export interface SpecDatabase {
  readonly database: Database;
  readonly url: string;
  /** Cuts all who are connected to it off, as a server does that is started again. */
  endConnections(): Promise<void>;
}

/** A database of its own for a spec file, opened; there once the specs run. */
export function specDatabase(): SpecDatabase {
  let made: TestDatabase;
  let opened: Database;
  beforeAll(async () => {
    made = await createTestDatabase();
    opened = await openDatabase(made.url);
  });
  afterAll(async () => {
    await opened.close();
    await made.drop();
  });
  return {
    get database() {
      return opened;
    },
    get url() {
      return made.url;
    },
    async endConnections() {
      await query(opened, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
    },
  };
}
