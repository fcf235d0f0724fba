import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from '../../../libs/settings/settings.js';

export interface ProxyCredentials {
  readonly id: string;
  readonly token: string;
}

/**
 * `http://<id>:<token>@<host>:<port>` as a build reaches it. A service that listens on every address has no name of its own:
 * then the proxy is where the client found the gateway.
 */
export function proxyUrl(settings: Pick<Settings, 'host' | 'proxyPort' | 'home'>, credentials: ProxyCredentials, requestHost: string): string {
  const wildcard = settings.host === '0.0.0.0' || settings.host === '::';
  const host = wildcard ? requestHost : settings.host;
  return `http://${credentials.id}:${credentials.token}@${bracketed(host)}:${proxyPort(settings)}`;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** With port 0 the real one stands in `addresses.json`, which `npm start` writes. */
function proxyPort(settings: Pick<Settings, 'proxyPort' | 'home'>): number {
  if (settings.proxyPort !== 0) return settings.proxyPort;
  try {
    const addresses = JSON.parse(readFileSync(path.join(settings.home, 'addresses.json'), 'utf8')) as { proxy?: unknown };
    return Number(new URL(String(addresses.proxy)).port);
  } catch {
    return 0;
  }
}
