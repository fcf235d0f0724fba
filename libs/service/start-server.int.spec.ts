import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { identifyProcess } from '../embedded/process-identity.js';
import type { RunningServer, ServerOptions } from './server-options.js';
import { startServer } from './start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import { projectRoot } from '../embedded/project-root.js';

const fixture = (name: string): string => path.join(projectRoot(), 'libs/service/__fixtures__', `${name}.mjs`);
const programs = { gateway: fixture('gateway'), proxy: fixture('proxy'), cache: fixture('cache'), worker: fixture('worker'), migrate: fixture('migrate') };

let home: string;
const servers: RunningServer[] = [];

beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'millrace-server-'));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop({ immediately: true })));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the whole service on one machine', () => {
  it('says where it listens, in a file too, keeps its data over a restart and leaves no process behind', async () => {
    const first = await start();
    const written = readFileSync(path.join(home, 'addresses.json'), 'utf8');
    expect(written).toBe(`${JSON.stringify(first.addresses)}\n`);
    expect(first.addresses).toEqual({ control: expect.stringMatching(/^http:\/\/localhost:\d+$/), proxy: expect.stringMatching(/^http:\/\/localhost:\d+$/), cache: expect.stringMatching(/^grpc:\/\/localhost:\d+$/), cacheSsh: expect.stringMatching(/^ssh:\/\/localhost:\d+$/), temporal: expect.stringMatching(/^127\.0\.0\.1:\d+$/), temporalUi: expect.stringMatching(/^http:/) });
    expect(first.processes().map(({ name }) => name).sort()).toEqual(['cache', 'gateway', 'postgres', 'proxy-1', 'proxy-2', 'temporal', 'worker']);
    const pids = first.processes().map(({ pid }) => pid ?? 0);
    await first.stop();
    expect(pids.filter((pid) => identifyProcess(pid) !== undefined)).toEqual([]);
    expect(existsSync(path.join(home, 'addresses.json'))).toBe(false);
    expect(existsSync(path.join(home, 'processes.json'))).toBe(false);

    const second = await start();
    expect(await countStarts(second)).toBe(2);
    expect(second.databaseUrl).toBe(first.databaseUrl);
  });

  it('tells its processes all addresses, and the proxies which ports are the service\'s own', async () => {
    const server = await start();
    const environment = await childEnvironment(server.addresses.proxy);
    expect(environment).toMatchObject({ MILLRACE_HOME: home, MILLRACE_DATABASE_URL: server.databaseUrl, MILLRACE_TEMPORAL_ADDRESS: server.addresses.temporal, MILLRACE_TEMPORAL_UI: server.addresses.temporalUi });
    const own = [server.addresses.control, server.addresses.proxy, server.addresses.cache ?? '', server.addresses.cacheSsh ?? '', server.databaseUrl, `http://${server.addresses.temporal}`, server.addresses.temporalUi ?? ''].map((address) => new URL(address).port);
    expect(environment['MILLRACE_FORBIDDEN_PORTS']?.split(',')).toEqual(expect.arrayContaining(own));
  });

  it('starts no artifact cache where none is wanted', async () => {
    const server = await start({ cache: false });
    expect(server.addresses).not.toHaveProperty('cache');
    expect(server.processes().map(({ name }) => name)).not.toContain('cache');
  });

  it('refuses a second server on the same home', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'start-failed', message: expect.stringContaining(`process ${process.pid} already runs a server in ${home}`) });
    expect(existsSync(path.join(home, 'addresses.json'))).toBe(true);
  });

  it.each(['gateway', 'cache', 'proxy-1', 'worker', 'temporal', 'postgres'])('starts %s again, on the same port, after kill -9', async (name) => {
    const messages: string[] = [];
    const server = await start({ onProgress: (message) => void messages.push(message) });
    const before = await pidOf(server, name);
    process.kill(before, 'SIGKILL');
    await until(() => messages.some((message) => message.startsWith(`${name} is back`)));
    expect(await pidOf(server, name)).not.toBe(before);
    expect((await fetch(`${server.addresses.control}/readyz`)).status).toBe(200);
    expect((await fetch(server.addresses.proxy)).status).toBe(200);
    expect(await accepts(new URL(server.addresses.cache ?? '').host)).toBe(true);
    expect(await accepts(server.addresses.temporal)).toBe(true);
    expect(await countStarts(server)).toBeGreaterThan(0);
  });

  it('keeps secrets from other users', async () => {
    const server = await start();
    for (const name of ['control-auth', 'postgres-password', 'processes.json', 'addresses.json']) expect(statSync(path.join(home, name)).mode & 0o077).toBe(0);
    expect(statSync(path.join(home, 'logs')).mode & 0o077).toBe(0);
    expect(server.controlAuth).toMatch(/^millrace:.{20,}$/);
  });

  it('says which port is taken, in the words that clients look for', async () => {
    const other = net.createServer();
    const port = await new Promise<number>((resolve) => other.listen(0, '127.0.0.1', () => resolve((other.address() as net.AddressInfo).port)));
    try {
      await expect(start({ environment: { MILLRACE_PROXY_PORT: String(port) } })).rejects.toMatchObject({ code: 'port-in-use', message: expect.stringContaining('bind: address already in use') });
    } finally {
      other.close();
    }
  });

  it('ends what it started, with the process\'s own words, when one cannot start', async () => {
    await expect(start({ programs: { ...programs, worker: fixture('failing') } })).rejects.toMatchObject({ code: 'start-failed', message: expect.stringMatching(/worker ended \(exit code 3\):\nthis program always fails/) });
    expect(existsSync(path.join(home, 'processes.json'))).toBe(false);
    const again = await start();
    expect(again.processes()).toHaveLength(7);
  });

  it('is called off while it starts', async () => {
    const stop = new AbortController();
    const result = start({ signal: stop.signal, onProgress: (message) => message.startsWith('PostgreSQL is up') && stop.abort(new Error('enough')) });
    await expect(result).rejects.toThrow('enough');
    expect(existsSync(path.join(home, 'processes.json'))).toBe(false);
  });
});

describe('a server process that is killed -9', () => {
  it('leaves nothing that the next one does not end', async () => {
    const script = `import { startServer } from ${JSON.stringify(path.join(projectRoot(), 'dist/libs/service/start-server.js'))};
      import { embeddedTemporal } from ${JSON.stringify(path.join(projectRoot(), 'dist/temporal/embedded-temporal.js'))};
      const server = await startServer({ ...${JSON.stringify(options())}, temporal: embeddedTemporal });
      process.stdout.write(JSON.stringify(server.processes()) + '\\n');`;
    const supervisor = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: projectRoot(), stdio: ['ignore', 'pipe', 'inherit'] });
    const output = await new Promise<string>((resolve) => supervisor.stdout.setEncoding('utf8').once('data', resolve));
    const left = JSON.parse(output) as { name: string; pid: number }[];
    const gone = new Promise((resolve) => supervisor.once('exit', resolve));
    supervisor.kill('SIGKILL');
    await gone;
    // Ours end by themselves, because their channel to the supervisor is cut; the servers of others live on.
    await until(() => left.filter(({ name }) => !/postgres|temporal/.test(name)).every(({ pid }) => identifyProcess(pid) === undefined));
    const messages: string[] = [];
    const server = await start({ onProgress: (message) => void messages.push(message) });
    expect(messages[0]).toMatch(/ended what an earlier server had left behind: .*postgres/);
    expect(left.filter(({ pid }) => identifyProcess(pid) !== undefined)).toEqual([]);
    expect(await countStarts(server)).toBeGreaterThan(0);
  });
});

function options(): ServerOptions {
  return { environment: { ...process.env, MILLRACE_HOME: home, MILLRACE_CONTROL_PORT: '0', MILLRACE_PROXY_PORT: '0', MILLRACE_CACHE_PORT: '0', MILLRACE_CACHE_SSH_PORT: '0', MILLRACE_PROXY_PROCESSES: '2', MILLRACE_DATABASE_URL: undefined, MILLRACE_TEMPORAL_ADDRESS: undefined }, temporal: embeddedTemporal, programs };
}

async function start(changes: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ ...options(), ...changes, environment: { ...options().environment, ...changes.environment } });
  servers.push(server);
  return server;
}

async function countStarts(server: RunningServer): Promise<number> {
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM starts');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

async function childEnvironment(address: string): Promise<Record<string, string>> {
  return (await (await fetch(`${address}/environment`)).json()) as Record<string, string>;
}

async function pidOf(server: RunningServer, name: string): Promise<number> {
  const pid = (): number | undefined => server.processes().find((each) => each.name === name)?.pid;
  await until(() => pid() !== undefined);
  return pid() ?? 0;
}

function accepts(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
