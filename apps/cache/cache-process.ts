import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setDefaultHighWaterMark } from 'node:stream';
import pino, { type Logger } from 'pino';
import { tellFailedLogins } from '../../libs/access/authentication/tell-failed-logins.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { openAssetDownloads } from '../../libs/cache-assets/open-asset-downloads.js';
import type { CacheAccess } from '../../libs/cache-access/cache-access.js';
import { cachedProbe } from '../../libs/cache-service/cached-probe.js';
import { openCacheParts, type CacheServiceParts } from '../../libs/cache-service/open-cache-parts.js';
import { openOstreeParts } from '../../libs/cache-service/open-ostree-parts.js';
import { openServiceAccess } from '../../libs/cache-service/open-service-access.js';
import { tellStore } from '../../libs/cache-service/tell-store.js';
import { openDatabase, type Database } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { weighBuffersWithHeap } from '../../libs/service/weigh-buffers.js';
import type { Environment, Settings } from '../../libs/settings/settings.js';
import { readSettings } from '../../libs/settings/settings.js';
import type { CacheContext } from './cache-context.js';
import { defaultCacheLimits } from './cache-context.js';
import { createCacheMetrics } from './metrics/cache-metrics.js';
import { measuredCache } from './metrics/measured-cache.js';
import { serveMetrics } from './metrics/serve-metrics.js';
import { openCacheCredentials } from './server/cache-credentials.js';
import { startCacheServer } from './server/start-cache-server.js';
import { watchHealth, type CacheState } from './server/watch-health.js';
import { cacheServices } from './services/cache-services.js';
import { sshHostKey } from './ssh/ssh-host-key.js';
import { startSshServer, type SshServer } from './ssh/start-ssh-server.js';

/** Milliseconds that calls under way have when the process is to end; a write that breaks off then is begun anew by its client. */
const grace = 10_000;
/** Messages that grpc-js takes from a client ahead of whoever writes them; Node's own default of 16 is up to 96 MiB for each stream. */
const messagesAhead = 1;

/** One cache process: the gRPC port, wired to PostgreSQL and the store of blobs, until SIGTERM. */
export async function runCacheProcess(environment: Environment): Promise<void> {
  const settings = readSettings(environment);
  const log = pino({ name: 'cache', level: settings.logLevel });
  if (settings.databaseUrl === undefined) {
    throw new MillraceError('invalid-setting', 'the artifact cache needs MILLRACE_DATABASE_URL', { suggestion: 'Set it, or run everything with npm start.' });
  }
  setDefaultHighWaterMark(true, messagesAhead);
  weighBuffersWithHeap();
  const tls = openCacheCredentials(settings.cacheTls, { log });
  const database = await openDatabase(settings.databaseUrl);
  const answers = cachedProbe(() => query(database, 'select 1'));
  // The store is only known with the parts, whose operations are counted.
  let storeAnswers = (): Promise<boolean> => Promise.resolve(false);
  const state = async (): Promise<CacheState> => {
    const [record, store] = await Promise.all([answers(), storeAnswers()]);
    return { database: record, store };
  };
  const metrics = createCacheMetrics(version(), state);
  const parts = await openCacheParts(database, { settings, metrics: metrics.storage, onStore: tellStore(log), onProblem: (reason) => log.warn(reason) });
  storeAnswers = cachedProbe(() => parts.guard.demandNow());
  const access = await openServiceAccess({ settings, cacheSettings: parts.settings, database, record: parts.record, environment, version: version(), onLogin: tellFailedLogins(log), onProblem: (reason) => log.warn(reason), onChange: () => log.info('who may use the cache was read again') });
  const downloads = await openAssetDownloads({ settings, database, cache: parts.cache, access, spool: parts.spool, version: version(), warn: (reason, error) => log.warn({ err: error }, reason) });
  const context: CacheContext = { cache: measuredCache(parts.cache, metrics), access, limits: defaultCacheLimits, log, metrics, ...(downloads === undefined ? {} : { downloads }) };
  const server = await startCacheServer(context, { host: settings.host, port: settings.cachePort, tls, services: cacheServices(context) });
  log.info({ port: server.port, tls: settings.cacheTls !== undefined }, 'artifact cache listens');
  const unwatch = watchHealth(state, { tell: (found) => server.tell(found) });
  const measured = settings.cacheMetricsPort === undefined ? undefined : await serveMetrics({ host: settings.host, port: settings.cacheMetricsPort, registry: metrics.registry, state });
  if (measured !== undefined) log.info({ port: measured.port }, 'metrics of the artifact cache are shown');
  process.send?.({ type: 'ready', address: `${settings.cacheTls === undefined ? 'grpc' : 'grpcs'}://${settings.host}:${server.port}` });

  const ssh = await openSsh({ settings, parts, access, database, log });
  if (ssh !== undefined) log.info({ port: ssh.port }, 'artifacts are received over ssh');

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    unwatch();
    tls.close();
    void Promise.all([server.close(grace), ssh?.close(grace)])
      .then(() => downloads?.close())
      .then(() => access.close())
      .then(() => parts.close())
      .then(() => measured?.close())
      .then(() => database.close())
      .finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
}

interface SshParts {
  readonly settings: Settings;
  readonly parts: CacheServiceParts;
  readonly access: CacheAccess;
  readonly database: Database;
  readonly log: Logger;
}

/** Undefined: the settings do not want it. */
async function openSsh({ settings, parts, access, database, log }: SshParts): Promise<SshServer | undefined> {
  const { host, home, cacheSshPort: port, databaseUrl = '' } = settings;
  if (port === undefined) return undefined;
  const hostKey = await sshHostKey(home);
  return startSshServer({ host, port, hostKey, access, log, cache: parts.cache, exported: parts.settings.ostree, parts: openOstreeParts(database, parts, databaseUrl) });
}

function version(): string {
  const { version: named } = JSON.parse(readFileSync(path.join(projectRoot(), 'package.json'), 'utf8')) as { readonly version: string };
  return named;
}
