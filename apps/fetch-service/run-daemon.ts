import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventFeed } from '../../libs/event-store/event-feed.js';
import type { Environment } from '../../libs/settings/settings.js';
import { readSettings } from '../../libs/settings/settings.js';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import type { DaemonLog } from './daemon-log.js';
import { IdleShutdown } from './idle-shutdown.js';
import { LogTail, describeLogLine } from './log-tail.js';
import { describeRequest, requestEvents } from './request-log.js';

export interface DaemonRun {
  readonly environment: Environment;
  /** Seconds; 0 = never. */
  readonly idleShutdown: number;
  readonly log: DaemonLog;
  /** Aborted by SIGTERM; everything is gone within a second. */
  readonly signal: AbortSignal;
  readonly onStarted: () => void;
}

const followEvery = 200;

/** Runs the service until it is told to stop or has been idle; rejects when it cannot start or a part of it keeps failing. */
export async function runDaemon(run: DaemonRun): Promise<void> {
  const tails = tailLogs(run.environment); // from before the first request, which may come before the start is over
  const server = await startServer({ environment: run.environment, temporal: embeddedTemporal, cache: false, onProgress: (message) => run.log.write(message), signal: run.signal });
  run.onStarted();
  flushCompileCache(); // now, because there is no time for it at the end
  run.log.write(`Control API on ${server.addresses.control}, proxy on ${server.addresses.proxy}`);
  const over = new AbortController();
  const idle = new IdleShutdown({
    seconds: run.idleShutdown,
    activeSessions: () => activeSessions(server.addresses.control),
    onIdle: () => {
      run.log.write(`idle for ${run.idleShutdown} s: shutting down`);
      over.abort();
    },
  });
  const stopped = AbortSignal.any([run.signal, over.signal]);
  const requests = new EventFeed(server.databaseUrl, requestEvents);
  try {
    const failure = await Promise.race([once(stopped), follow({ run, tails, idle, requests, stopped }), server.failed]);
    if (failure !== undefined) throw failure;
  } finally {
    idle.close();
    over.abort();
    await server.stop({ immediately: true });
    requests.close().catch(() => undefined); // its server is gone; nobody waits for a goodbye
  }
}

interface ProcessLog {
  readonly name: string;
  readonly tail: LogTail;
}

function tailLogs(environment: Environment): readonly ProcessLog[] {
  const { home, proxyProcesses } = readSettings(environment);
  const names = ['gateway', 'worker', ...Array.from({ length: proxyProcesses }, (_, index) => `proxy-${index + 1}`)];
  return names.map((name) => ({ name, tail: new LogTail(path.join(home, 'logs', `${name}.log`)) }));
}

interface Following {
  readonly run: DaemonRun;
  readonly tails: readonly ProcessLog[];
  readonly idle: IdleShutdown;
  readonly requests: EventFeed;
  readonly stopped: AbortSignal;
}

function once(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** Brings what the processes log, and each request of the record, into the daemon's log until it is stopped. */
async function follow({ run, tails, idle, requests, stopped }: Following): Promise<undefined> {
  while (!stopped.aborted) {
    for (const { name, tail } of tails) {
      for (const line of tail.read()) {
        if (name !== 'worker') idle.touch();
        const described = describeLogLine(line, name);
        if (described !== undefined) run.log.write(described);
      }
    }
    const events = await requests.read().catch(() => []); // while PostgreSQL is started again
    for (const event of events) run.log.write(describeRequest(event));
    if (events.length > 0) idle.touch();
    await delay(followEvery, undefined, { signal: stopped }).catch(() => undefined);
  }
  return undefined;
}

async function activeSessions(control: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${control}/status`, { signal: AbortSignal.timeout(5000) });
    const status = (await answer.json()) as { 'active-sessions'?: unknown };
    return Array.isArray(status['active-sessions']) ? status['active-sessions'].length : undefined;
  } catch {
    return undefined;
  }
}
