import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { gatewayScheme } from '../access/gateway-scheme.js';
import { prepareEmbeddedPostgres } from '../embedded/embedded-postgres.js';
import { lockHolder, tryLock } from '../embedded/exclusive-lock.js';
import { endLeftOvers } from '../embedded/process-register.js';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Settings } from '../settings/settings.js';
import { readSettings } from '../settings/settings.js';
import type { ServiceAddresses } from './child-environment.js';
import { childEnvironment } from './child-environment.js';
import { migrateDatabase, programDefinition } from './programs.js';
import type { RunningServer, ServerAddresses, ServerOptions, StopOptions } from './server-options.js';
import { choosePorts, demandConfiguredPorts } from './server-ports.js';
import type { ServerPorts } from './server-ports.js';
import { ServerProcesses } from './server-processes.js';

interface Start {
  readonly options: ServerOptions;
  readonly settings: Settings;
  readonly ports: ServerPorts;
  readonly processes: ServerProcesses;
  readonly report: (message: string) => void;
  /** Aborted when the caller wants no server any more, and when a part of it failed. */
  readonly signal: AbortSignal;
}

/**
 * Brings up the whole service on this machine: PostgreSQL and Temporal (unless addresses of others are set), worker, proxies, cache and
 * gateway. Resolves when `/readyz` answers 200. Rejects with `port-in-use`, `start-failed`, `tool-not-found` or `invalid-setting`,
 * and has then ended all that it started.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const report = options.onProgress ?? (() => undefined);
  const settings = readSettings(options.environment);
  const parts = { cache: options.cache ?? true, proxy: options.proxy ?? true };
  mkdirSync(path.join(settings.home, 'logs'), { recursive: true, mode: 0o700 });
  const lockFile = path.join(settings.home, 'server.lock');
  const lock = tryLock(lockFile);
  if (lock === undefined) {
    // A second daemon on the same ports must hear about the ports: that is what fetch-service's clients look for.
    await demandConfiguredPorts(settings, parts);
    throw new MillraceError('start-failed', `${lockHolder(lockFile)} already runs a server in ${settings.home}`, { suggestion: 'Stop it first, or give this one another MILLRACE_HOME.' });
  }
  const addressesFile = path.join(settings.home, 'addresses.json');
  const processes = new ServerProcesses(settings.home, report);
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  // Ending the processes also ends the waiting for their readiness.
  const abandon = (): void => void processes.stop({ immediately: true });
  const stop = async (stopOptions?: StopOptions): Promise<void> => {
    rmSync(addressesFile, { force: true });
    await processes.stop(stopOptions);
    lock.release();
  };
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', abandon, { once: true });
    rmSync(addressesFile, { force: true });
    const ended = await endLeftOvers(path.join(settings.home, 'processes.json'));
    if (ended.length > 0) report(`ended what an earlier server had left behind: ${ended.join(', ')}`);
    await demandConfiguredPorts(settings, parts);
    const ports = await choosePorts(settings, parts);
    const start: Start = { options, settings, ports, processes, report, signal };
    const [database, temporal] = await allOrNone(failure, [startDatabase(start), startTemporal(start)]);
    const services: ServiceAddresses = { databaseUrl: database, ...temporal };
    const addresses = await startPrograms(start, services, failure);
    signal.throwIfAborted();
    signal.removeEventListener('abort', abandon);
    writeAddresses(addressesFile, addresses);
    return { addresses, controlAuth: settings.controlAuth, home: settings.home, databaseUrl: database, processes: () => processes.list(), failed: processes.failed, stop };
  } catch (error) {
    await stop({ immediately: true });
    signal.throwIfAborted(); // the first cause, not what followed from it
    throw error;
  }
}

async function startDatabase({ settings, ports, processes, report, signal }: Start): Promise<string> {
  if (settings.databaseUrl !== undefined) return settings.databaseUrl;
  const postgres = await prepareEmbeddedPostgres({ home: settings.home, port: ports.postgres, onProgress: report, signal });
  await processes.start(postgres.definition);
  report(`PostgreSQL is up on 127.0.0.1:${ports.postgres}`);
  return postgres.url;
}

async function startTemporal({ options, settings, ports, processes, report, signal }: Start): Promise<Omit<ServiceAddresses, 'databaseUrl'>> {
  if (settings.temporalAddress !== undefined) return { temporalAddress: settings.temporalAddress, temporalUi: settings.temporalUi };
  const { home, temporalNamespace: namespace } = settings;
  const definition = await options.temporal({ environment: options.environment, onProgress: report, signal, home, namespace, port: ports.temporal, uiPort: ports.temporalUi });
  signal.throwIfAborted();
  await processes.start(definition);
  report(`Temporal is up on 127.0.0.1:${ports.temporal}`);
  return { temporalAddress: `127.0.0.1:${ports.temporal}`, temporalUi: `http://127.0.0.1:${ports.temporalUi}` };
}

async function startPrograms({ options, settings, ports, processes, report, signal }: Start, services: ServiceAddresses, failure: AbortController): Promise<ServerAddresses> {
  const scheme = await gatewayScheme(settings.accessFile);
  const environment = childEnvironment(options.environment, settings, { ...ports, services, scheme });
  signal.throwIfAborted();
  await migrateDatabase(environment, { file: options.programs?.migrate, signal });
  signal.throwIfAborted();
  const start = (program: 'worker' | 'gateway' | 'proxy' | 'cache', name: string): Promise<void> => processes.start(programDefinition(program, { name, environment, file: options.programs?.[program] }));
  const proxies = Array.from({ length: ports.proxy === undefined ? 0 : settings.proxyProcesses }, (_, index) => start('proxy', `proxy-${index + 1}`));
  const caches = ports.cache === undefined ? [] : [start('cache', 'cache')];
  await allOrNone(failure, [start('worker', 'worker'), start('gateway', 'gateway'), ...proxies, ...caches]);
  report(`${['worker', 'gateway', ...(ports.proxy === undefined ? [] : ['proxy']), ...(ports.cache === undefined ? [] : ['cache'])].join(', ')} are up`);
  const host = settings.host === 'localhost' || settings.host === '0.0.0.0' || settings.host === '::' ? 'localhost' : settings.host;
  const control = `${scheme}://${bracketed(host)}:${ports.control}`;
  await awaitReadiness(control, signal);
  return {
    control,
    proxy: ports.proxy === undefined ? '' : `http://${bracketed(host)}:${ports.proxy}`,
    ...(ports.cache === undefined ? {} : { cache: `${settings.cacheTls === undefined ? 'grpc' : 'grpcs'}://${bracketed(host)}:${ports.cache}` }),
    ...(ports.cacheSsh === undefined ? {} : { cacheSsh: `ssh://${bracketed(host)}:${ports.cacheSsh}` }),
    temporal: services.temporalAddress,
    ...(services.temporalUi === undefined ? {} : { temporalUi: services.temporalUi }),
  };
}

/** The first failure calls the others off; all have come to an end before this rejects, so that nothing starts behind the back of the stop that follows. */
async function allOrNone<Results extends readonly unknown[]>(failure: AbortController, tasks: { [Index in keyof Results]: Promise<Results[Index]> }): Promise<Results> {
  try {
    return await Promise.all(tasks);
  } catch (error) {
    failure.abort(error);
    await Promise.allSettled(tasks);
    throw error;
  }
}

async function awaitReadiness(control: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 60_000;
  // It is our own process that is asked, and nothing is told to it: its certificate may be for any name.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  let last = 'no answer';
  try {
    while (Date.now() < deadline) {
      signal.throwIfAborted();
      try {
        const { statusCode, body } = await request(`${control}/readyz`, { dispatcher, signal: AbortSignal.timeout(5000) });
        const text = await body.text();
        if (statusCode === 200) return;
        last = `${statusCode} ${text.slice(0, 500)}`;
      } catch (error) {
        last = errorMessage(error);
      }
      await delay(50);
    }
  } finally {
    await dispatcher.close();
  }
  throw new MillraceError('start-failed', `the gateway was not ready within a minute: ${last}`);
}

function writeAddresses(file: string, addresses: ServerAddresses): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(addresses)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
