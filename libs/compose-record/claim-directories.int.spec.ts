import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { query } from '../database/sql.js';
import { claimDirectories } from './claim-directories.js';

const root = mkdtempSync(path.join(tmpdir(), 'millrace-claims-'));
let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  // Databases of specs are copies of one, and so have its identity.
  await query(database, 'update record_identity set id = gen_random_uuid()', []);
});
afterAll(async () => {
  await database.close();
  await server.drop();
  rmSync(root, { recursive: true, force: true });
});

describe('a directory of composes', () => {
  const directory = path.join(root, 'a/composes');

  it('belongs to the record that first used it, from several processes at once', async () => {
    await Promise.all([1, 2, 3].map(() => claimDirectories(database, [directory])));
    const [row] = await query<{ id: string }>(database, 'select id from record_identity', []);
    expect(readFileSync(path.join(directory, '.record'), 'utf8')).toBe(`${row?.id}\n`);
  });

  it('is refused to another record, with what to do', async () => {
    await query(database, 'update record_identity set id = gen_random_uuid()', []);
    await expect(claimDirectories(database, [path.join(root, 'b'), directory])).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('has the composes of another record'), suggestion: expect.stringContaining('.record') });
    await claimDirectories(database, [path.join(root, 'b')]);
  });
});
