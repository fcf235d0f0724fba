import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { readSettings } from '../../../libs/settings/settings.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { openAccess } from '../access/open-access.js';
import type { AuthorityCertificate, BuildEnvironment, GatewayDependencies, SessionWorkflows } from '../gateway-ports.js';
import { createGatewayLogger } from '../gateway-logger.js';
import { startGateway } from '../gateway.js';
import { MemoryRules } from './memory-rules.js';
import { MemoryBuses } from './memory-buses.js';
import { MemoryCache } from './memory-cache.js';
import { MemoryComposes } from './memory-composes.js';
import { MemoryRecord } from './memory-record.js';
import { MemoryRepositories } from './memory-repositories.js';

export interface TestGatewayOptions {
  readonly dependencies?: Partial<GatewayDependencies>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly clientMilliseconds?: number;
  readonly waitingSeats?: number;
  readonly heartbeatMilliseconds?: number;
}

export interface TestGateway {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  readonly settings: Settings;
  readonly record: MemoryRecord;
  readonly composes: MemoryComposes;
  readonly repositories: MemoryRepositories;
  readonly caches: MemoryCache;
  /** Everything that was logged so far. */
  log(): string;
  close(): Promise<void>;
}

export { authorization } from './control-credentials.js';

/** A gateway on free loopback ports with a home of its own; what is not given is in memory. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-'));
  const settings = readSettings({ MILLRACE_HOME: home, MILLRACE_CONTROL_PORT: '0', MILLRACE_CONTROL_AUTH: 'craft:craft', MILLRACE_PERMISSIVE: '1', MILLRACE_LOG_LEVEL: 'debug', ...options.environment });
  const record = new MemoryRecord();
  const composes = new MemoryComposes();
  const repositories = new MemoryRepositories();
  const caches = new MemoryCache();
  const lines: string[] = [];
  const log = createGatewayLogger(settings, { write: (line) => void lines.push(line) });
  const access = options.dependencies?.access ?? (await openAccess({ ...settings, environment: {} }));
  const dependencies = { commands: record.commands, reads: record.reads, outbox: record.outbox, workflows: absentEngine, authority: testAuthority, buildEnvironment: testBuildEnvironment, composes: composes.dependencies(), buses: new MemoryBuses().dependencies(), rules: new MemoryRules().dependencies(), repositories: repositories.dependencies(), caches: caches.dependencies(access), ...options.dependencies, access };
  const { clientMilliseconds, waitingSeats, heartbeatMilliseconds } = options;
  const gateway = await startGateway({ settings, dependencies, log, ...(clientMilliseconds === undefined ? {} : { clientMilliseconds }), ...(waitingSeats === undefined ? {} : { waitingSeats }), ...(heartbeatMilliseconds === undefined ? {} : { heartbeatMilliseconds }) });
  return {
    url: `${access.tls === undefined ? 'http' : 'https'}://127.0.0.1:${gateway.port}`,
    port: gateway.port,
    settings,
    record,
    composes,
    repositories,
    caches,
    log: () => lines.join(''),
    close: async () => {
      await gateway.close();
      await access.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const away = (): Promise<never> => Promise.reject(new MillraceError('workflow-engine-unavailable', 'connection refused'));

/** An engine that refuses every connection at once. */
export const absentEngine: SessionWorkflows = { start: away, revoke: away, end: away, reachable: () => Promise.resolve(false) };

/** An engine whose answers never come. */
export const hangingEngine: SessionWorkflows = { start: never, revoke: never, end: never, reachable: never };

function never(): Promise<never> {
  return new Promise(() => undefined);
}

const testAuthority: AuthorityCertificate = {
  pem: () => Promise.resolve('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'),
  pkcs12: () => Promise.resolve(Buffer.from('p12')),
  jks: () => Promise.resolve(Buffer.from('jks')),
};

const testBuildEnvironment: BuildEnvironment = { snippet: (shell, { proxyUrl, caFile }) => Promise.resolve(`${shell} ${proxyUrl}${caFile ?? ''}`) };
