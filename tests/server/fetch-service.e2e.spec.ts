import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { choosePort } from '../../libs/embedded/free-port.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import type { RunningProgram } from './run-program.js';
import { alive, awaitResult, processesOf, runProgram } from './run-program.js';

/** The daemon as craft-application starts it: two variables at most, no PATH, no HOME, a pipe that nobody reads. */
const program = path.join(projectRoot(), 'bin/fetch-service');
const credentials = `Basic ${Buffer.from('craft:craft').toString('base64')}`;

let folder: string;
let started: RunningProgram[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fetch-service-'));
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGTERM');
  await Promise.all(started.map(({ ended }) => ended));
  started = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the fetch-service executable', () => {
  it('tells its version', async () => {
    const daemon = run(['--version']);
    expect(await daemon.ended).toBe(0);
    expect(daemon.output().stdout).toMatch(/^fetch-service \(Millrace \d+\.\d+\.\d+\)\n$/);
  });

  it('refuses flags that it does not know', async () => {
    const daemon = run(['--no-such-flag']);
    expect(await daemon.ended).toBe(1);
    expect(daemon.output().stderr).toMatch(/^ERROR: .*--no-such-flag/);
  });

  it('runs a session, logs what clients look for, prints nothing, and is gone within a second of SIGTERM', async () => {
    const { daemon, control } = await start(['--permissive-mode']);
    const { id, token } = (await (await call(control, 'POST', '/session', { policy: 'permissive' })).json()) as { id: string; token: string };
    expect(await activeSessions(control)).toBe(1);
    expect((await call(control, 'DELETE', `/session/${id}/token`, { token })).status).toBe(200);
    expect(((await (await call(control, 'GET', `/session/${id}`)).json()) as { artifacts: unknown }).artifacts).toEqual([]);
    expect((await call(control, 'DELETE', `/session/${id}`)).status).toBe(200);
    expect((await call(control, 'DELETE', `/resources/${id}`)).status).toBe(200);
    expect(await activeSessions(control)).toBe(0);
    await awaitResult(daemon, () => log().includes('discarding session'));
    expect(log()).toMatch(/Starting service\.\.\.\n[^]*create permissive session[^]*discarding session/);
    expect(log()).not.toContain(token);

    const processes = processesOf(path.join(folder, 'spool/millrace'));
    expect(alive(processes).length).toBeGreaterThanOrEqual(5);
    daemon.child.kill('SIGTERM');
    const impatience = setTimeout(() => daemon.child.kill('SIGKILL'), 1000); // as craft-application does
    expect(await daemon.ended).toBe(143);
    clearTimeout(impatience);
    expect(alive(processes)).toEqual([]);
    expect(daemon.output()).toEqual({ stdout: '', stderr: '' });
  }, 120_000);

  it('leaves nothing behind, for good, when it is killed while it stops', async () => {
    const { daemon } = await start([]);
    const processes = processesOf(path.join(folder, 'spool/millrace'));
    daemon.child.kill('SIGTERM');
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    const next = await start([]);
    expect(alive(processes)).toEqual([]);
    next.daemon.child.kill('SIGTERM');
    await next.daemon.ended;
  }, 120_000);

  it('keeps sessions over a restart, reopens its log on SIGUSR1, and ends by itself when it is idle', async () => {
    const first = await start([]);
    const { id } = (await (await call(first.control, 'POST', '/session', { policy: 'strict' })).json()) as { id: string };
    first.daemon.child.kill('SIGTERM');
    await first.daemon.ended;
    const second = await start(['--idle-shutdown=2']);
    expect(await activeSessions(second.control)).toBe(1);
    renameSync(logFile(), `${logFile()}.1`);
    second.daemon.child.kill('SIGUSR1');
    await awaitResult(second.daemon, () => existsSync(logFile()));
    expect((await call(second.control, 'DELETE', `/session/${id}`)).status).toBe(200);
    expect(await second.daemon.ended).toBe(0);
    expect(log()).toContain('idle for 2 s');
  }, 120_000);

  it('says so when a port is taken, soon enough for a client that looks after half a second', async () => {
    const other = net.createServer();
    const port = await new Promise<number>((resolve) => other.listen(0, '127.0.0.1', () => resolve((other.address() as net.AddressInfo).port)));
    try {
      const daemon = run([`--control-port=${port}`, '--proxy-port=0', `--spool=${path.join(folder, 'spool')}`, `--log-file=${logFile()}`]);
      expect(await daemon.ended).toBe(1);
      expect(log()).toMatch(/ERROR: .*bind: address already in use/);
    } finally {
      other.close();
    }
  });
});

function run(args: readonly string[]): RunningProgram {
  const daemon = runProgram(program, args, { environment: { FETCH_SERVICE_AUTH: 'craft:craft' }, cwd: '/' });
  started.push(daemon);
  return daemon;
}

async function start(flags: readonly string[]): Promise<{ readonly daemon: RunningProgram; readonly control: string }> {
  const [controlPort, proxyPort] = [await choosePort('localhost'), await choosePort('localhost')];
  const daemon = run([`--control-port=${controlPort}`, `--proxy-port=${proxyPort}`, `--spool=${path.join(folder, 'spool')}`, `--log-file=${logFile()}`, ...flags]);
  const control = `http://localhost:${controlPort}`;
  const status = await awaitResult(daemon, () => call(control, 'GET', '/status').catch(() => undefined));
  expect(await status.json()).toHaveProperty('uptime');
  // Both ports are bound before the first answer.
  await new Promise<void>((resolve, reject) => {
    const socket = net.connect(proxyPort, '127.0.0.1', () => resolve(void socket.destroy())).once('error', reject);
  });
  return { daemon, control };
}

function call(control: string, method: string, target: string, body?: unknown): Promise<Response> {
  return fetch(`${control}${target}`, { method, headers: { authorization: credentials, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function activeSessions(control: string): Promise<number> {
  return ((await (await call(control, 'GET', '/status')).json()) as { 'active-sessions': unknown[] })['active-sessions'].length;
}

function logFile(): string {
  return path.join(folder, 'logs', 'fetch-service.log');
}

function log(): string {
  return readFileSync(logFile(), 'utf8');
}
