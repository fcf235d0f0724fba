import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { prepareEmbeddedPostgres } from './embedded-postgres.js';
import { choosePort } from './free-port.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { reachableBinaries } from './postgres-location.js';
import { isReachable, postgresUser } from './postgres-user.js';
import { SupervisedProcess } from './supervised-process.js';

const asRoot = process.getuid?.() === 0;
let parent: string;
let home: string;
let running: SupervisedProcess[] = [];

beforeEach(() => {
  parent = mkdtempSync(path.join(os.tmpdir(), 'embedded-postgres-'));
  chmodSync(parent, 0o755);
  home = path.join(parent, 'home');
  mkdirSync(home, { mode: 0o700 });
});
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop(5000, 'SIGQUIT')));
  running = [];
  const elsewhere = path.join(home, 'postgres-directory');
  if (existsSync(elsewhere)) rmSync(readFileSync(elsewhere, 'utf8').trim(), { recursive: true, force: true });
  rmSync(parent, { recursive: true });
});

describe('embedded PostgreSQL', () => {
  it('commits durably, listens on loopback only and asks for the password', async () => {
    const { url } = await start();
    expect(await query(url, 'SHOW synchronous_commit')).toBe('on');
    expect(await query(url, 'SHOW fsync')).toBe('on');
    expect(await query(url, 'SHOW listen_addresses')).toBe('127.0.0.1');
    expect(await query(url, 'SELECT current_database()')).toBe('millrace');
    const wrong = new URL(url);
    wrong.password = 'postgres';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('starts after kill -9, even when the process id in its file belongs to another process by now', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.process.stop(0, 'SIGKILL');
    const data = first.process.definition.args[1] ?? '';
    const pidFile = path.join(data, 'postmaster.pid');
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid)));
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toBe(42);
  });

  it('ends a server that was left on the same data before it starts its own', async () => {
    const left = await start();
    await query(left.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const gone = new Promise<void>((resolve) => (onLeftGone = resolve));
    const second = await start();
    await gone;
    expect(await query(second.url, 'SELECT answer FROM kept')).toBe(42);
  });

  it('makes the cluster anew when making it was cut short', async () => {
    const first = await start();
    await first.process.stop(5000, 'SIGQUIT');
    rmSync(`${first.process.definition.args[1]}.complete`);
    const second = await start();
    expect(await query(second.url, 'SELECT 1')).toBe(1);
  });

  it('runs with a home below a folder that is closed to the user postgres, and says where its data are', async () => {
    chmodSync(parent, 0o700);
    const messages: string[] = [];
    const { url, process: supervised } = await start(messages);
    expect(await query(url, 'SELECT 1')).toBe(1);
    const data = supervised.definition.args[1] ?? '';
    expect(data.startsWith(asRoot ? '/var/lib/millrace/' : home)).toBe(true);
    expect(messages.some((message) => message.includes(data))).toBe(asRoot);
  });

  it('runs from a checkout that is closed to the user postgres', async () => {
    const binaries = await findPostgresBinaries();
    const user = postgresUser();
    const closed = { ...binaries, version: `${binaries.version}-spec`, postgres: path.join(parent, 'bin/postgres'), initdb: path.join(parent, 'bin/initdb'), folder: parent };
    mkdirSync(path.join(parent, 'bin'));
    for (const file of [closed.postgres, closed.initdb]) writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
    chmodSync(parent, 0o700);
    const found = reachableBinaries(closed, user, () => undefined);
    expect(user === undefined || isReachable(found.postgres, user)).toBe(true);
    expect(found.folder === parent).toBe(!asRoot);
    if (found.folder !== parent) rmSync(found.folder, { recursive: true });
  });
});

let onLeftGone: () => void = () => undefined;

async function start(messages: string[] = []): Promise<{ readonly url: string; readonly process: SupervisedProcess }> {
  const onProgress = (message: string): void => void messages.push(message);
  const { definition, url } = await prepareEmbeddedPostgres({ home, port: await choosePort('127.0.0.1'), onProgress });
  // The supervisor of a left-over is gone in real life; here it only hears that its process ended, and must not start it again.
  const supervised: SupervisedProcess = new SupervisedProcess(definition, {
    onPid: (_name, pid) => {
      if (pid !== undefined || !running.includes(supervised)) return;
      running = running.filter((each) => each !== supervised);
      onLeftGone();
      void supervised.stop(0);
    },
    onProgress,
    onGivenUp: (error) => onProgress(error.message),
  });
  await supervised.start();
  running.push(supervised);
  return { url, process: supervised };
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}
