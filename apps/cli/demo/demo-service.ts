import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Environment } from '../../../libs/settings/settings.js';
import { ControlClient } from '../control-client.js';
import { homeOf, locateService } from '../service-address.js';

export interface DemoService {
  readonly client: ControlClient;
  /** False when the service ran before and is left running. */
  readonly started: boolean;
  stop(): Promise<void>;
}

export interface DemoServiceOptions {
  readonly environment: Environment;
  readonly onProgress: (line: string) => void;
  /** Aborting it gives up the start. */
  readonly signal: AbortSignal;
  /** The server's program; `dist/apps/server/main.js` unless told. */
  readonly program?: string;
}

/** Uses the service that runs on the home, or starts one of its own on free ports. */
export async function demoService(options: DemoServiceOptions): Promise<DemoService> {
  const { MILLRACE_SERVER: _elsewhere, ...environment } = options.environment;
  const running = await findRunning(environment);
  if (running !== undefined) return { client: running, started: false, stop: () => Promise.resolve() };
  const server = startServerProcess(options, environment);
  try {
    await untilReady(server, options);
    return { client: new ControlClient(await locateService(undefined, environment)), started: true, stop: () => stopServer(server) };
  } catch (error) {
    await stopServer(server);
    throw error;
  }
}

/** Addresses may be left over from a service that died. */
async function findRunning(environment: Environment): Promise<ControlClient | undefined> {
  try {
    const client = new ControlClient(await locateService(undefined, environment));
    await client.json({ method: 'GET', path: '/status', timeout: 5_000 });
    return client;
  } catch {
    return undefined;
  }
}

/**
 * A process group of its own: Ctrl-C reaches the demo only, which stops the server when the session is closed. The server
 * notices by its channel when the demo is killed.
 */
function startServerProcess(options: DemoServiceOptions, environment: Environment): ChildProcess {
  const program = options.program ?? path.resolve(import.meta.dirname, '../../server/main.js');
  return spawn(process.execPath, ['--enable-source-maps', program], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      MILLRACE_CONTROL_PORT: '0',
      MILLRACE_PROXY_PORT: '0',
      MILLRACE_CACHE_PORT: '0',
      ...environment,
      MILLRACE_HOME: homeOf(environment),
      MILLRACE_PERMISSIVE: '1',
    },
  });
}

/** The server prints its addresses as one line of standard output when everything is ready; its progress goes to standard error. */
async function untilReady(server: ChildProcess, { onProgress, signal }: DemoServiceOptions): Promise<void> {
  const { stdout, stderr } = server as ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };
  createInterface({ input: stderr }).on('line', onProgress);
  const settled = new AbortController();
  const until = AbortSignal.any([signal, settled.signal]);
  const ready = once(createInterface({ input: stdout }), 'line', { signal: until });
  const ended = once(server, 'exit', { signal: until }).then(([code]) => {
    throw new MillraceError('start-failed', `the service could not be started (exit code ${String(code)})`, {
      suggestion: 'Its last words are above; its logs are in the home.',
    });
  });
  try {
    await Promise.race([ready, ended]);
  } catch (error) {
    if (signal.aborted) throw new MillraceError('start-failed', 'stopped before the service was up', { cause: error });
    throw error;
  } finally {
    settled.abort();
    await Promise.allSettled([ready, ended]);
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}
