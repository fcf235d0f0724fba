import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import type { CacheSubject } from './cache-subject.js';

export interface CacheStart {
  readonly folder: string;
  /** Folder for CPU profiles, written when the processes end. */
  readonly profile: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** The whole service on a fresh home, blobs in a directory, with an instance that nothing is evicted from. */
export async function startMillraceCache({ folder, profile, signal, onProgress }: CacheStart): Promise<CacheSubject> {
  const file = path.join(folder, 'cache.yaml');
  writeFileSync(file, 'instances: {main: {quota: 100 TiB, verification: off}}\n');
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
      MILLRACE_CACHE: file,
      MILLRACE_LOG_LEVEL: 'warn',
      ...(profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${path.resolve(profile)} --cpu-prof-interval=500` }),
    },
    proxy: false,
    onProgress: (message) => onProgress(`millrace: ${message}`),
    signal,
  });
  const pidsOf = (wanted: string): number[] => server.processes().flatMap(({ name, pid }) => (name === wanted && pid !== undefined ? [pid] : []));
  return {
    name: 'millrace',
    title: 'the whole service: access checked, contents verified, every blob on disk and its existence, use and size in PostgreSQL before the answer',
    grpc: (server.addresses.cache ?? '').replace('grpc://', ''),
    http: server.addresses.control,
    authorization: `Basic ${Buffer.from(server.controlAuth).toString('base64')}`,
    pids: (of) => pidsOf(of === 'grpc' ? 'cache' : 'gateway'),
    databasePids: () => pidsOf('postgres'),
    stop: () => server.stop(),
  };
}
