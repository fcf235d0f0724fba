import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { migrateDatabase } from '../database/migrate.js';
import { prepareEmbeddedPostgres } from '../embedded/embedded-postgres.js';
import { choosePort } from '../embedded/free-port.js';
import { SupervisedProcess } from '../embedded/supervised-process.js';

export interface KillablePostgres {
  /** Of a database with the whole schema. */
  readonly url: string;
  /** kill -9, with all that it serves. */
  kill(): Promise<void>;
  /** After `kill`: the same data and port. Resolves when clients are served. */
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** A PostgreSQL server of its own, for specs that kill it. */
export async function startKillablePostgres(): Promise<KillablePostgres> {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'millrace-postgres-'));
  chmodSync(parent, 0o755);
  const home = path.join(parent, 'home');
  mkdirSync(home, { mode: 0o700 });
  const { definition, url } = await prepareEmbeddedPostgres({ home, port: await choosePort('127.0.0.1'), onProgress: () => undefined });
  let server = await started();
  await migrateDatabase(url);

  async function started(): Promise<SupervisedProcess> {
    const supervised = new SupervisedProcess(definition, { onPid: () => undefined, onProgress: () => undefined, onGivenUp: () => undefined });
    await supervised.start();
    return supervised;
  }

  return {
    url,
    kill: () => server.stop(0, 'SIGKILL'),
    async restart() {
      server = await started();
    },
    async stop() {
      await server.stop(5000, 'SIGQUIT');
      const elsewhere = path.join(home, 'postgres-directory');
      if (existsSync(elsewhere)) rmSync(readFileSync(elsewhere, 'utf8').trim(), { recursive: true, force: true });
      rmSync(parent, { recursive: true });
    },
  };
}
