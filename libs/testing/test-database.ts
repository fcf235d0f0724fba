import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrateDatabase } from '../database/migrate.js';
import { migrations } from '../database/migrations/index.js';

export interface TestDatabase {
  readonly url: string;
  /** Ends what is still connected to it, too. */
  drop(): Promise<void>;
}

const templateLock = 5_207_311_903;

/** Without a table, for other programs. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase((client, name) => client.query(`create database ${name}`));
}

/**
 * A database of its own in the server of MILLRACE_TEST_DATABASE_URL, with the whole schema. The migrations run once per
 * server, into a template named for their text, which PostgreSQL then copies in some 50 ms.
 */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(async (client, name, server) => {
    const template = templateName();
    // Held while copying as well: PostgreSQL copies a template only when nobody is connected to it.
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    await prepareTemplate(client, server, template);
    await client.query(`create database ${name} template ${template}`);
  });
}

async function createDatabase(create: (client: Client, name: string, server: string) => Promise<unknown>): Promise<TestDatabase> {
  const server = process.env['MILLRACE_TEST_DATABASE_URL'];
  if (server === undefined) throw new Error('MILLRACE_TEST_DATABASE_URL is not set: run npm test, which starts a test server');
  const name = `millrace_test_${randomBytes(8).toString('hex')}`;
  await onServer(server, (client) => create(client, name, server));
  return {
    url: databaseUrl(server, name),
    drop: () => onServer(server, async (client) => void (await client.query(`drop database if exists ${name} with (force)`))),
  };
}

async function prepareTemplate(client: Client, server: string, template: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
  if (rowCount === 1) return;
  // Renamed only when it is complete, so that a killed run leaves nothing that looks ready.
  const unfinished = `${template}_unfinished`;
  await client.query(`drop database if exists ${unfinished} with (force)`);
  await client.query(`create database ${unfinished}`);
  await migrateDatabase(databaseUrl(server, unfinished));
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [unfinished]);
  await client.query(`alter database ${unfinished} rename to ${template}`);
}

function templateName(): string {
  const text = migrations.map((migration) => `${migration.name}\n${migrationText(migration.class)}`).join('\n');
  return `millrace_template_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** The statements a migration would run. */
function migrationText(migration: (typeof migrations)[number]['class']): string {
  const collected: string[] = [];
  const probe = Object.create(migration.prototype) as { addSql: (statement: unknown) => void; up: () => void };
  probe.addSql = (statement) => void collected.push(String(statement));
  probe.up();
  return collected.join('\n');
}

async function onServer<T>(server: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: server });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
