import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { choosePort, demandPort } from '../embedded/free-port.js';
import type { Settings } from '../settings/settings.js';

export interface ServerPorts {
  readonly control: number;
  readonly proxy: number;
  readonly postgres: number;
  readonly temporal: number;
  readonly temporalUi: number;
}

/** Rejects with `port-in-use` when a port that was asked for is taken. */
export async function demandConfiguredPorts(settings: Settings): Promise<void> {
  if (settings.controlPort !== 0) await demandPort(settings.host, settings.controlPort, 'control API');
  if (settings.proxyPort !== 0) await demandPort(settings.host, settings.proxyPort, 'proxy');
}

/**
 * Ports of all listeners, settled before anything starts, because the proxies must know them all to keep sessions away from them.
 * Those of the embedded servers stay the same from one start to the next while they are free.
 */
export async function choosePorts(settings: Settings): Promise<ServerPorts> {
  const file = path.join(settings.home, 'ports.json');
  const remembered = readRemembered(file);
  const ports: ServerPorts = {
    control: settings.controlPort === 0 ? await choosePort(settings.host) : settings.controlPort,
    proxy: settings.proxyPort === 0 ? await choosePort(settings.host) : settings.proxyPort,
    postgres: await choosePort('127.0.0.1', remembered.postgres),
    temporal: await choosePort('127.0.0.1', remembered.temporal),
    temporalUi: await choosePort('127.0.0.1', remembered.temporalUi),
  };
  if (new Set(Object.values(ports)).size < Object.keys(ports).length) return choosePorts(settings);
  const { postgres, temporal, temporalUi } = ports;
  writeFileSync(file, JSON.stringify({ postgres, temporal, temporalUi }), { mode: 0o600 });
  return ports;
}

function readRemembered(file: string): Partial<ServerPorts> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).filter(([, port]) => Number.isInteger(port) && port > 0 && port < 65536)) : {};
  } catch {
    return {};
  }
}
