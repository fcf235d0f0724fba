import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import { findHey } from '../load/find-hey.js';
import { parseHeySummary } from '../load/run-hey.js';
import { makePackages } from '../repository/make-packages.js';
import { addRecordedComposes } from './add-recorded-composes.js';

export interface ComposeBenchOptions {
  /** Composes in the database while the API is measured. */
  readonly recorded: number;
  /** Composes asked for at once. */
  readonly atOnce: number;
  /** Length of one measurement of the API. */
  readonly seconds: number;
}

const compose = z.object({ id: z.number(), state_name: z.string(), state_reason: z.string().nullable() });
type Seen = z.infer<typeof compose>;

/** The whole service on a fresh home: from POST to done, then requests per second of the API. Prints as it goes. */
export async function benchComposes(options: ComposeBenchOptions, signal: AbortSignal): Promise<void> {
  const say = (message: string): void => void process.stdout.write(`${message}\n`);
  const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-composes-'));
  const names = prepareRepository(path.join(folder, 'source'), options.atOnce + 10);
  const server = await startServer({
    temporal: embeddedTemporal,
    environment: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      MILLRACE_HOME: path.join(folder, 'home'),
      MILLRACE_HOST: '127.0.0.1',
      MILLRACE_CONTROL_PORT: '0',
      MILLRACE_PROXY_PORT: '0',
      MILLRACE_CACHE_PORT: '0',
      MILLRACE_COMPOSE_SOURCE_PATHS: path.join(folder, 'source'),
      MILLRACE_LOG_LEVEL: 'warn',
    },
    onProgress,
    signal,
  });
  const api = `${server.addresses.control}/api/1/composes/`;
  const timed = (requests: readonly (readonly string[])[]): Promise<number> => fromPostToDone(api, path.join(folder, 'source'), requests);
  try {
    say(`from POST to done: the first ${await timed([[names.pop() ?? '']])} ms`);
    const single: number[] = [];
    for (let round = 0; round < 5; round += 1) single.push(await timed([[names.pop() ?? '']]));
    say(`from POST to done: one alone ${single.sort((one, other) => one - other)[2]} ms (median of 5: ${single.join(', ')})`);
    say(`from POST to done: the last of ${options.atOnce} different ones ${await timed(names.slice(0, options.atOnce).map((name) => [name]))} ms`);
    say(`from POST to done: the last of ${options.atOnce} equal ones ${await timed(Array.from({ length: options.atOnce }, () => names.slice(0, 2)))} ms`);
    await addRecordedComposes(server.databaseUrl, options.recorded);
    const hey = await findHey(onProgress, signal);
    for (const [title, address] of requestsOf(api)) {
      const { stdout } = await promisify(execFile)(hey, ['-z', `${options.seconds}s`, '-c', '16', address], { signal, env: {} });
      const { requestsPerSecond, p50, p99 } = parseHeySummary(stdout, 0);
      say(`with ${options.recorded} composes: ${title}: ${Math.round(requestsPerSecond)} requests/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (16 clients)`);
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function requestsOf(api: string): readonly (readonly [string, string])[] {
  return [
    ['GET one', `${api}3`],
    ['GET list', api],
    ['GET list of done, page 100', `${api}?state=done&page=100`],
    ['GET list of an owner, 50 a page', `${api}?owner=owner-7&per_page=50`],
  ];
}

/** Packages with createrepo_c's metadata. Answers their names. */
function prepareRepository(directory: string, count: number): string[] {
  const made = makePackages(directory, { count, payloadBytes: 20_000 });
  execFileSync('createrepo_c', ['--quiet', directory]);
  return made.map(({ href }) => path.basename(href).replace(/-1\.\d\.noarch\.rpm$/, ''));
}

/** Milliseconds until the last of them is done. */
async function fromPostToDone(api: string, source: string, requests: readonly (readonly string[])[]): Promise<number> {
  const began = performance.now();
  const asked = await Promise.all(requests.map((packages) => ask(api, { source: { type: 'repo', source, packages }, flags: ['no_deps'] })));
  await Promise.all(asked.map(({ id }) => untilDone(api, id)));
  return Math.round(performance.now() - began);
}

async function ask(api: string, body: object): Promise<Seen> {
  const response = await fetch(api, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new MillraceError('internal', `POST answers ${response.status}: ${await response.text()}`);
  return compose.parse(await response.json());
}

async function untilDone(api: string, id: number): Promise<void> {
  for (;;) {
    const { state_name: state, state_reason: reason } = compose.parse(await (await fetch(`${api}${id}?wait=30`)).json());
    if (state === 'done') return;
    if (state === 'failed') throw new MillraceError('internal', `compose ${id} has failed: ${reason}`);
    await pause(20);
  }
}
