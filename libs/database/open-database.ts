import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, UnderscoreNamingStrategy } from '@mikro-orm/postgresql';
import { asMillraceError } from './database-errors.js';
import { entities } from './entities/index.js';
import { migrations } from './migrations/index.js';
import { createPool, ReleasingPostgresDialect } from './postgres-dialect.js';

export interface Database {
  readonly orm: MikroORM;
  /** As given; for clients that need a connection of their own (LISTEN). Holds the password. */
  readonly url: string;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Most connections at once; 10 when not given. */
  readonly poolSize?: number;
  /** Shown by PostgreSQL in pg_stat_activity. */
  readonly applicationName?: string;
}

/**
 * Milliseconds. A process that is stopped or swapped out in the middle of a transaction keeps its locks; without this limit no other
 * could revoke a session whose stream it holds. Its transaction is rolled back, and it finds out when it goes on.
 */
const idleInTransaction = 3_000;

/**
 * Connects lazily: the first query opens the first connection, and a connection that broke is replaced by the next query, so a
 * database that restarts needs nothing done. Errors: `invalid-setting` for a URL that is none.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const poolSize = options.poolSize ?? 10;
  try {
    const orm = await MikroORM.init({
      clientUrl: url,
      entities: [...entities],
      extensions: [Migrator],
      namingStrategy: UnderscoreNamingStrategy,
      ensureDatabase: false,
      forceUtcTimezone: true,
      driverOptions: new ReleasingPostgresDialect({
        pool: createPool({
          connectionString: url,
          max: poolSize,
          idleTimeoutMillis: 30_000,
          connectionTimeoutMillis: 5_000,
          keepAlive: true,
          idle_in_transaction_session_timeout: idleInTransaction,
          // Compiling a statement pays for seconds of work; none here has that, and the look-up of ten thousand digests is estimated as if it had.
          options: '-c jit=off',
          application_name: options.applicationName ?? 'millrace',
        }),
      }),
      migrations: { migrationsList: migrations, tableName: 'millrace_migrations', snapshot: false, transactional: true, allOrNothing: true, disableForeignKeys: false },
      // Driver warnings (a dropped connection) reach the caller as errors of its query; library code does not log.
      logger: () => undefined,
      debug: false,
    });
    return { orm, url, close: () => orm.close(true) };
  } catch (error) {
    throw asMillraceError(error);
  }
}
