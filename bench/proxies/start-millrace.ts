import path from 'node:path';
import { z } from 'zod';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import type { RunningServer } from '../../libs/service/server-options.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { LoadResult } from '../load/run-hey.js';
import type { MeasuredProxy, ProxyRun, ProxyStart, RunFacts } from './measured-proxy.js';
import { commitsOf } from './read-commits.js';

const created = z.object({ id: z.string(), proxyUrl: z.string() });
const session = z.object({ totals: z.object({ downloads: z.number(), refused: z.number(), failed: z.number() }) });

export interface MillraceOptions {
  readonly proxyProcesses: number;
  /** Folder for CPU profiles, written when the proxies end. */
  readonly profile: string | undefined;
}

/** The whole service on a fresh home, everything on; each measurement is a permissive session of its own. */
export async function startMillrace(start: ProxyStart, options: MillraceOptions): Promise<MeasuredProxy> {
  const { proxyProcesses } = options;
  const server = await startServer({
    temporal: embeddedTemporal,
    environment: {
      ...withoutOwnSettings(process.env),
      MILLRACE_HOME: path.join(start.folder, 'home'),
      MILLRACE_HOST: '127.0.0.1',
      MILLRACE_CONTROL_PORT: '0',
      MILLRACE_PROXY_PORT: '0',
      MILLRACE_CACHE_PORT: '0',
      MILLRACE_PERMISSIVE: '1',
      MILLRACE_ALLOW_DESTINATIONS: '127.0.0.0/8',
      MILLRACE_UPSTREAM_CA: start.origin.authorityFile,
      MILLRACE_PROXY_PROCESSES: String(proxyProcesses),
      MILLRACE_LOG_LEVEL: 'warn',
      ...(options.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${path.resolve(options.profile)} --cpu-prof-interval=500` }),
    },
    onProgress: (message) => start.onProgress(`millrace: ${message}`),
    signal: start.signal,
  });
  const pidsOf = (pattern: RegExp): number[] => server.processes().flatMap(({ name, pid }) => (pattern.test(name) && pid !== undefined ? [pid] : []));
  return {
    name: proxyProcesses === 1 ? 'millrace' : 'millrace-2',
    title: `${proxyProcesses === 1 ? 'one proxy process' : `${proxyProcesses} proxy processes`}: credentials checked, SHA-1 and SHA-256, every inspector asked, each exchange durable in PostgreSQL before its last byte`,
    pids: () => pidsOf(/^proxy-/),
    databasePids: () => pidsOf(/^postgres$/),
    openRun: () => openRun(server),
    stop: () => server.stop(),
  };
}

async function openRun(server: RunningServer): Promise<ProxyRun> {
  const opened = created.parse(await control(server, 'POST', '/v1/sessions', { policy: 'permissive', timeout: 3600 }));
  return { proxyUrl: opened.proxyUrl, close: (load) => closeRun(server, opened.id, load) };
}

/** The totals are written in the transaction that an answer waits for, so at this moment every answer that was complete must be in them. */
async function closeRun(server: RunningServer, id: string, load: LoadResult): Promise<RunFacts> {
  const { totals } = session.parse(await control(server, 'GET', `/v1/sessions/${id}`));
  if (totals.downloads < load.completed) throw new MillraceError('internal', `${load.completed} downloads were complete, but only ${totals.downloads} are in the record`);
  const commits = await commitsOf(server.databaseUrl, id);
  await control(server, 'DELETE', `/v1/sessions/${id}`);
  return { recordsPerCommit: totals.downloads / commits };
}

async function control(server: RunningServer, method: string, target: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${server.addresses.control}${target}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(server.controlAuth).toString('base64')}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(120_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new MillraceError('internal', `${method} ${target}: ${answer.status} ${text.slice(0, 500)}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** A Millrace that this machine's user runs otherwise must neither be measured nor changed. */
function withoutOwnSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = new Set(['MILLRACE_TEMPORAL_SERVER']);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => kept.has(name) || !/^(MILLRACE_|FETCH_SERVICE_)/.test(name)));
}
