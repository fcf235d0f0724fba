import { afterAll, beforeAll } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

export interface SpecDatabase {
  readonly database: Database;
  readonly url: string;
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
  };
}
