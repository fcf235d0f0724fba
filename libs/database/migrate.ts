import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { asMillraceError } from './database-errors.js';
import { openDatabase } from './open-database.js';

/** Any number that nothing else in the database uses as an advisory lock. */
const migrationLock = 5_207_311_902;

/**
 * Brings the schema up to date; does nothing when it is. Several processes may start at once: all but one wait for an
 * advisory lock, which PostgreSQL frees by itself when its holder dies. Answers with the names of what was applied.
 */
export async function migrateDatabase(url: string): Promise<readonly string[]> {
  const lock = new Client({ connectionString: url, application_name: 'millrace-migrate', connectionTimeoutMillis: 5_000 });
  lock.on('error', () => undefined);
  try {
    await lock.connect();
    await lock.query('select pg_advisory_lock($1)', [migrationLock]);
    const database = await openDatabase(url, { poolSize: 2, applicationName: 'millrace-migrate' });
    try {
      const applied = await database.orm.migrator.up();
      return applied.map((migration) => migration.name);
    } finally {
      await database.close();
    }
  } catch (error) {
    throw asMillraceError(error);
  } finally {
    await lock.end().catch(() => undefined);
  }
}

async function main(): Promise<void> {
  // eslint-disable-next-line no-restricted-properties -- the entry point of a process
  const url = process.env['MILLRACE_DATABASE_URL'];
  if (url === undefined || url === '') {
    throw new MillraceError('invalid-setting', 'MILLRACE_DATABASE_URL is not set', { suggestion: 'Set it to the postgresql:// URL of the database.' });
  }
  const applied = await migrateDatabase(url);
  process.stdout.write(applied.length === 0 ? 'The schema is up to date.\n' : `Applied ${applied.join(', ')}.\n`);
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  main().catch((error: unknown) => {
    process.stderr.write(`${isMillraceError(error) ? `${error.code}: ${error.message}` : String(error)}\n`);
    process.exitCode = 1;
  });
}
