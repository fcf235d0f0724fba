import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { choosePort, demandPort } from '../embedded/free-port.js';
import type { Settings } from '../settings/settings.js';

/** What is started besides gateway and worker. */
export interface WantedParts {
  readonly proxy: boolean;
  readonly cache: boolean;
}

export interface ServerPorts {
  readonly control: number;
  /** Undefined: none is wanted. */
  readonly proxy: number | undefined;
  /** Undefined: no artifact cache is wanted, or none by ssh, or no metrics of it. */
  readonly cache: number | undefined;
  readonly cacheSsh: number | undefined;
  readonly cacheMetrics: number | undefined;
  readonly postgres: number;
  readonly temporal: number;
  readonly temporalUi: number;
}

/** Rejects with `port-in-use` when a port that was asked for is taken. */
export async function demandConfiguredPorts(settings: Settings, { cache, proxy }: WantedParts): Promise<void> {
  if (settings.controlPort !== 0) await demandPort(settings.host, settings.controlPort, 'control API');
  if (proxy && settings.proxyPort !== 0) await demandPort(settings.host, settings.proxyPort, 'proxy');
  if (!cache) return;
  if (settings.cachePort !== 0) await demandPort(settings.host, settings.cachePort, 'artifact cache');
  if (settings.cacheSshPort !== undefined && settings.cacheSshPort !== 0) await demandPort(settings.host, settings.cacheSshPort, 'ssh port of the artifact cache');
  if (settings.cacheMetricsPort !== undefined && settings.cacheMetricsPort !== 0) await demandPort(settings.host, settings.cacheMetricsPort, 'metrics of the artifact cache');
}

/**
 * Ports of all listeners, settled before anything starts, because the proxies must know them all to keep sessions away from them.
 * Those of the embedded servers stay the same from one start to the next while they are free.
 */
export async function choosePorts(settings: Settings, parts: WantedParts): Promise<ServerPorts> {
  const file = path.join(settings.home, 'ports.json');
  const remembered = readRemembered(file);
  const ports: ServerPorts = {
    control: await settled(settings.host, settings.controlPort),
    proxy: parts.proxy ? await settled(settings.host, settings.proxyPort) : undefined,
    cache: parts.cache ? await settled(settings.host, settings.cachePort) : undefined,
    cacheSsh: parts.cache && settings.cacheSshPort !== undefined ? await settled(settings.host, settings.cacheSshPort) : undefined,
    cacheMetrics: parts.cache && settings.cacheMetricsPort !== undefined ? await settled(settings.host, settings.cacheMetricsPort) : undefined,
    postgres: await choosePort('127.0.0.1', remembered.postgres),
    temporal: await choosePort('127.0.0.1', remembered.temporal),
    temporalUi: await choosePort('127.0.0.1', remembered.temporalUi),
  };
  const all = Object.values(ports).filter((port) => port !== undefined);
  if (new Set(all).size < all.length) return choosePorts(settings, parts);
  const { postgres, temporal, temporalUi } = ports;
  writeFileSync(file, JSON.stringify({ postgres, temporal, temporalUi }), { mode: 0o600 });
  return ports;
}

async function settled(host: string, configured: number): Promise<number> {
  return configured === 0 ? choosePort(host) : configured;
}

function readRemembered(file: string): Partial<ServerPorts> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).filter(([, port]) => Number.isInteger(port) && port > 0 && port < 65536)) : {};
  } catch {
    return {};
  }
}
