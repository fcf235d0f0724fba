import { CompiledQuery } from 'kysely';
import type { EntityManager } from '@mikro-orm/postgresql';
import { asMillraceError, isTransientConflict } from './database-errors.js';
import type { Database } from './open-database.js';

/** Runs one statement with bound parameters ($1, $2 …); bigint and timestamptz come back as strings. */
export type Sql = <Row = Record<string, unknown>>(text: string, parameters?: readonly unknown[]) => Promise<Row[]>;

export interface TransactionScope {
  readonly sql: Sql;
  /** For entities in the same transaction. */
  readonly em: EntityManager;
}

const attempts = 3;

/**
 * One unit of work on a fork of the entity manager. `em.execute` would write the parameters into the statement's text; this
 * goes to the same connection with real parameters, because every string in the record comes from a hostile build.
 * Errors: `database-unavailable`; whether a transaction that failed so was committed is unknown.
 */
export async function inTransaction<T>(database: Database, work: (scope: TransactionScope) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.orm.em.fork().transactional((em) => work({ em, sql: boundSql(em) }));
    } catch (error) {
      if (attempt < attempts && isTransientConflict(error)) continue;
      throw asMillraceError(error);
    }
  }
}

/** One statement in a transaction of its own. Errors: `database-unavailable`. */
export async function query<Row = Record<string, unknown>>(database: Database, text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  try {
    const client = database.orm.em.getConnection().getClient<unknown>();
    const result = await client.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
    return result.rows;
  } catch (error) {
    throw asMillraceError(error);
  }
}

/** Reading through entities on a fork. Errors: `database-unavailable`. */
export async function withEntities<T>(database: Database, work: (em: EntityManager) => Promise<T>): Promise<T> {
  try {
    return await work(database.orm.em.fork());
  } catch (error) {
    throw asMillraceError(error);
  }
}

interface BoundTransaction {
  executeQuery<Row>(query: CompiledQuery): Promise<{ rows: Row[] }>;
}

function boundSql(em: EntityManager): Sql {
  const transaction = em.getTransactionContext<BoundTransaction>();
  if (transaction === undefined) throw new Error('no transaction is open');
  return async <Row>(text: string, parameters: readonly unknown[] = []) => {
    const result = await transaction.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
    return result.rows;
  };
}
