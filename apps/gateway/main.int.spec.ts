import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import type { TestDatabase } from '../../libs/testing/test-database.js';

const program = path.resolve('dist/apps/gateway/main.js');

let database: TestDatabase;
let home: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  if (!existsSync(program)) throw new Error(`${program} is not there: run npm test, which compiles first`);
  database = await createTestDatabase();
  home = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-main-'));
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await database.drop();
  rmSync(home, { recursive: true, force: true });
});

function start(environment: Record<string, string> = {}): { child: ChildProcess; output: () => string } {
  const child = fork(program, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], MILLRACE_HOME: home, MILLRACE_CONTROL_PORT: '0', MILLRACE_CONTROL_AUTH: 'craft:craft', MILLRACE_DATABASE_URL: database.url, MILLRACE_TEMPORAL_ADDRESS: '127.0.0.1:1', ...environment },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function ready(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ type: string; address: string }];
  expect(message.type).toBe('ready');
  return message.address;
}

describe('the gateway as a process', () => {
  it('says when it is ready, serves, and ends on SIGTERM although a client holds a connection', async () => {
    const { child, output } = start();
    const address = await ready(child);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    const started = performance.now();
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(performance.now() - started).toBeLessThan(3000);
    for (const line of output().trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ process: 'gateway' });
    expect(output()).not.toContain('craft:craft');
  });

  it('ends when the process that started it is gone', async () => {
    const { child } = start();
    await ready(child);
    child.disconnect();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  it('says that the port is taken, and ends with 1', async () => {
    const first = start();
    const { port } = new URL(await ready(first.child));
    const second = start({ MILLRACE_CONTROL_PORT: port });
    const [code] = (await once(second.child, 'exit')) as [number | null];
    expect(code).toBe(1);
    expect(second.output()).toMatch(/ERROR:.*bind: address already in use/);
    first.child.kill('SIGTERM');
    await once(first.child, 'exit');
  });

  it.each([
    ['without a database URL', { MILLRACE_DATABASE_URL: '' }, 'MILLRACE_DATABASE_URL'],
    ['without a Temporal address', { MILLRACE_TEMPORAL_ADDRESS: '' }, 'MILLRACE_TEMPORAL_ADDRESS'],
    ['with an empty password', { MILLRACE_CONTROL_AUTH: 'craft:' }, 'MILLRACE_CONTROL_AUTH'],
  ])('does not start %s, and says why', async (_name, environment, words) => {
    const { child, output } = start(environment);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(1);
    expect(output()).toContain(words);
  });
});
