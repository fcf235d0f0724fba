import { Pool, TypeOverrides, type PoolConfig } from 'pg';
import { PostgresDialect, PostgresDriver, type DatabaseConnection, type Driver, type PostgresDialectConfig, type TransactionSettings } from 'kysely';

/** date, timestamp, timestamptz and interval stay text; MikroORM's mapping expects that of a pool that it did not make itself. */
const textOids = [1082, 1114, 1184, 1186];

export function createPool(config: PoolConfig): Pool {
  const types = new TypeOverrides();
  for (const oid of textOids) types.setTypeParser(oid, (text: string) => text);
  const pool = new Pool({ ...config, types });
  // A connection that the server drops is replaced by the next query; without listeners the event would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Kysely 0.29 gives a controlled transaction's connection back only when `begin` and `rollback` succeed. On a connection that the
 * server has dropped they never do, so each crash of PostgreSQL would take a place in the pool for ever. The server has rolled
 * back by itself; the pool throws broken connections away.
 */
class ReleasingPostgresDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    try {
      await super.beginTransaction(connection, settings);
    } catch (error) {
      // Its class is not exported; it is the connection that this driver gave out.
      await super.releaseConnection(connection as Parameters<PostgresDriver['releaseConnection']>[0]);
      throw error;
    }
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch {
      // The error that led to the rollback is already on its way to the caller.
    }
  }
}

export class ReleasingPostgresDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;

  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new ReleasingPostgresDriver(this.#config);
  }
}
