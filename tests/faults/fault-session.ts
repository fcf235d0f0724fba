import { expect } from '@jest/globals';
import { openDatabase } from '../../libs/database/open-database.js';
import type { Database } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';
import { embeddedDatabaseUrl } from '../../libs/embedded/embedded-database-url.js';
import { verifyStream } from '../../libs/event-store/verify-stream.js';
import type { StreamVerification } from '../../libs/event-store/verify-stream.js';
import type { ClientService } from '../clients/client-service.js';
import { readReport } from '../clients/session-report.js';
import type { SessionReport } from '../clients/session-report.js';
import { until } from './until.js';

/** A permissive session on the control API of fetch-service. */
export interface FaultSession {
  readonly id: string;
  readonly token: string;
  /** Value of `Proxy-Authorization`. */
  readonly credentials: string;
  revoke(): Promise<void>;
  report(): Promise<SessionReport>;
  /** Status of `GET /session/{id}`. */
  reportStatus(): Promise<number>;
  verifyChain(): Promise<StreamVerification>;
  /** Ends it and waits until no table of the record knows it. */
  end(): Promise<void>;
  /** Tables with a row in which the id stands. */
  tables(): Promise<readonly string[]>;
}

export async function openFaultSession(service: ClientService, options: { readonly timeout?: number } = {}): Promise<FaultSession> {
  const opened = await control(service, 'POST', '/session', { policy: 'permissive', ...options });
  expect(opened.status).toBe(200);
  const { id, token } = (await opened.json()) as { id: string; token: string };
  const tables = (): Promise<readonly string[]> => withDatabase(service, (database) => tablesWith(database, id));
  return {
    id,
    token,
    credentials: `Basic ${Buffer.from(`${id}:${token}`).toString('base64')}`,
    async revoke() {
      const answer = await control(service, 'DELETE', `/session/${id}/token`, { token });
      expect({ status: answer.status, body: await answer.text() }).toMatchObject({ status: 200 });
    },
    async report() {
      const answer = await control(service, 'GET', `/session/${id}`);
      expect(answer.status).toBe(200);
      return readReport(await answer.text());
    },
    reportStatus: async () => (await control(service, 'GET', `/session/${id}`)).status,
    verifyChain: () => withDatabase(service, (database) => verifyStream(database, `session:${id}`)),
    async end() {
      const answer = await control(service, 'DELETE', `/session/${id}`);
      expect({ status: answer.status, body: await answer.text() }).toMatchObject({ status: 200 });
      // What is left for the workflow engine goes when that has heard of it.
      await until(async () => (await tables()).length === 0);
    },
    tables,
  };
}

function control(service: ClientService, method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${service.addresses.control}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(service.controlAuth).toString('base64')}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function withDatabase<Result>(service: ClientService, work: (database: Database) => Promise<Result>): Promise<Result> {
  const database = await openDatabase(embeddedDatabaseUrl(service.home) ?? '');
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function tablesWith(database: Database, id: string): Promise<readonly string[]> {
  const tables = await query<{ name: string }>(database, `select tablename as name from pg_tables where schemaname = 'public'`);
  const counts = await Promise.all(tables.map(({ name }) => query(database, `select 1 from "${name}" as t where to_jsonb(t)::text like '%' || $1 || '%' limit 1`, [id])));
  return tables.map(({ name }) => name).filter((_, index) => (counts[index] ?? []).length > 0);
}
