import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { migrateDatabase } from './migrate.js';
import { migrations } from './migrations/index.js';
import { openDatabase, type Database } from './open-database.js';
import { query } from './sql.js';

describe('migrations', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url);
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it('make exactly the schema that the entities describe', async () => {
    const difference = await database.orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false, dropTables: true });
    expect(withoutMigrationsTable(difference)).toEqual([]);
  });

  it('would show a difference if there were one', async () => {
    await query(database, 'alter table counters add column surplus text');
    const difference = await database.orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false, dropTables: true });
    await query(database, 'alter table counters drop column surplus');
    expect(withoutMigrationsTable(difference).join(' ')).toContain('surplus');
  });

  it('run once although several processes start at the same time', async () => {
    await query(database, 'drop schema public cascade');
    await query(database, 'create schema public');
    const applied = await Promise.all([migrateDatabase(server.url), migrateDatabase(server.url), migrateDatabase(server.url)]);
    expect(applied.flat()).toEqual(migrations.map(({ name }) => name));
    await expect(migrateDatabase(server.url)).resolves.toEqual([]);
  });

  it('report a server that cannot be reached as database-unavailable', async () => {
    await expect(migrateDatabase('postgresql://nobody@127.0.0.1:1/none')).rejects.toMatchObject({ code: 'database-unavailable' });
  });
});

function withoutMigrationsTable(sql: string): string[] {
  return sql.split('\n').filter((line) => line.trim() !== '' && !line.includes('millrace_migrations'));
}
