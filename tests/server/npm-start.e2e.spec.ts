import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../../libs/embedded/project-root.js';
import type { RunningProgram } from './run-program.js';
import { alive, awaitResult, processesOf, runProgram } from './run-program.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'npm-start-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('npm start', () => {
  it('prints where it listens and, at Ctrl-C, leaves no process behind; the data survive', async () => {
    const first = start();
    const addresses = await ready(first);
    // The file is written a moment before the line is printed.
    await awaitResult(first, () => (first.output().stdout.includes(JSON.stringify(addresses)) ? true : undefined));
    expect(Object.keys(addresses)).toEqual(['control', 'proxy', 'cache', 'temporal', 'temporalUi']);
    expect((await fetch(`${addresses['control']}/readyz`)).status).toBe(200);
    expect((await fetch(addresses['temporalUi'] ?? '')).status).toBe(200);
    const auth = readFileSync(path.join(home, 'control-auth'), 'utf8').trim();
    const opened = await fetch(`${addresses['control']}/session`, { method: 'POST', headers: { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }, body: '{"policy":"permissive"}' });
    expect(opened.status).toBe(200);
    const { id } = (await opened.json()) as { id: string };
    await interrupt(first);

    const second = start();
    const status = (await (await fetch(`${(await ready(second))['control']}/status`)).json()) as { 'active-sessions': { 'session-id': string }[] };
    expect(status['active-sessions'].map((session) => session['session-id'])).toEqual([id]);
    await interrupt(second);
  }, 180_000);
});

function start(): RunningProgram {
  return runProgram('npm', ['start', '--silent'], { environment: { ...process.env, MILLRACE_HOME: home, MILLRACE_CONTROL_PORT: '0', MILLRACE_PROXY_PORT: '0', MILLRACE_CACHE_PORT: '0', MILLRACE_PROXY_PROCESSES: '2' }, cwd: projectRoot() });
}

function ready(program: RunningProgram): Promise<Record<string, string>> {
  const file = path.join(home, 'addresses.json');
  return awaitResult(program, () => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : undefined));
}

/** As a terminal does it: the signal goes to the whole process group at once. */
async function interrupt(program: RunningProgram): Promise<void> {
  const processes = processesOf(home);
  expect(alive(processes)).toHaveLength(7);
  process.kill(-(program.child.pid ?? 0), 'SIGINT');
  await program.ended;
  expect(alive(processes)).toEqual([]);
  expect(existsSync(path.join(home, 'addresses.json'))).toBe(false);
}
