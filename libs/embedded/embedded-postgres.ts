import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { dataDirectory, reachableBinaries } from './postgres-location.js';
import { postgresUser } from './postgres-user.js';
import type { UserIds } from './postgres-user.js';
import { signal } from './process-register.js';
import { sharedBuffers } from './shared-buffers.js';
import type { ProcessDefinition } from './supervised-process.js';

export interface EmbeddedPostgresOptions {
  /** Absolute path of the home; the cluster lives in `postgres` below it. */
  readonly home: string;
  readonly port: number;
  readonly onProgress: (message: string) => void;
  readonly maximumConnections?: number;
  /** Aborting it ends the making of a new cluster. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedPostgres {
  /** What to hand to a SupervisedProcess. */
  readonly definition: ProcessDefinition;
  /** `postgresql://…` of the database `millrace`, password included. Connect only when the process is ready. */
  readonly url: string;
}

const userName = 'millrace';

/** Makes the cluster if there is none yet and says how to run it. It listens on 127.0.0.1 only, and every commit is durable. */
export async function prepareEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { home, port, onProgress } = options;
  const user = postgresUser();
  const binaries = reachableBinaries(await findPostgresBinaries(), user, onProgress);
  const data = dataDirectory(home, user, onProgress);
  const password = passwordOf(path.join(home, 'postgres-password'));
  if (!existsSync(`${data}.complete`)) {
    onProgress('PostgreSQL: making a new database cluster');
    await initialise(binaries, { data, password, user, signal: options.signal });
    writeFileSync(`${data}.complete`, '', { mode: 0o600 });
  }
  const url = `postgresql://${userName}:${password}@127.0.0.1:${port}/${userName}`;
  const maintenanceUrl = `postgresql://${userName}:${password}@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_connections: String(options.maximumConnections ?? 200),
    logging_collector: 'off',
    shared_buffers: sharedBuffers(),
  };
  return {
    url,
    definition: {
      name: 'postgres',
      command: binaries.postgres,
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      environment: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
      cwd: '/',
      ...(user === undefined ? {} : { user }),
      prepare: () => clearStalePidFile(data),
      ready: () => answers(maintenanceUrl),
      readyDeadline: 60_000,
      // "Fast": ends the sessions instead of waiting for them.
      stopSignal: 'SIGINT',
      logDirectory: path.join(home, 'logs'),
    },
  };
}

/** Hex, so that it needs no escaping in a URL. */
function passwordOf(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

async function initialise(binaries: PostgresBinaries, cluster: { data: string; password: string; user: UserIds | undefined; signal: AbortSignal | undefined }): Promise<void> {
  const { data, password, user, signal: callOff } = cluster;
  // An initdb that was interrupted leaves files that a second one would refuse.
  for (const name of readdirSync(data)) rmSync(path.join(data, name), { recursive: true, force: true });
  const passwordFile = `${data}.initial-password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  try {
    await promisify(execFile)(
      binaries.initdb,
      [`--pgdata=${data}`, '--auth=scram-sha-256', `--username=${userName}`, `--pwfile=${passwordFile}`, '--encoding=UTF8', '--no-locale', '--no-instructions'],
      { ...user, cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }, signal: callOff, killSignal: 'SIGKILL' },
    );
  } catch (cause) {
    throw new MillraceError('start-failed', `PostgreSQL: making the database cluster in ${data} failed: ${errorMessage(cause)}`, { cause });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/**
 * `postmaster.pid` of a server that was killed -9 must not stop the next one. PostgreSQL itself handles most such files, but not
 * one whose process id belongs to another process of the same user by now. A live server on these data is a left-over
 * (the caller holds the lock of the home) and is ended first.
 */
async function clearStalePidFile(data: string): Promise<void> {
  const file = path.join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (Number.isInteger(pid) && pid > 1 && runsOn(pid, data)) {
    signal(pid, 'SIGQUIT');
    while (runsOn(pid, data)) await delay(25);
  }
  rmSync(file, { force: true });
}

function runsOn(pid: number, data: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data);
  } catch {
    return false;
  }
}

/** True when it takes queries; makes the database on the first start. */
async function answers(maintenanceUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: maintenanceUrl, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined); // a server that goes down while it is asked
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [userName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${userName}`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') throw new MillraceError('start-failed', 'PostgreSQL refuses the password in postgres-password', { cause: error });
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
