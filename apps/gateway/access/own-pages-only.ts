import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';

type OwnAddresses = Pick<Settings, 'host' | 'composeUrl' | 'composeBucket'>;

/**
 * Refuses changes that a browser sends for the page of another site: without credentials (`noauth`), or with those that it remembers (passwords, certificates,
 * tickets), such a page could ask for composes and end sessions. Programs send neither `Origin` nor `Sec-Fetch-Site`. See docs/adr/0021. Errors: `forbidden`.
 */
export function requireOwnPage(headers: FastifyRequest['headers'], own: OwnAddresses): void {
  if (mayChange(headers, own)) return;
  throw new MillraceError('forbidden', 'a page of another site may not change anything', { suggestion: 'Send the request from a program, or from a page that this service itself serves under its own name (MILLRACE_COMPOSE_URL).' });
}

export function mayChange(headers: FastifyRequest['headers'], own: OwnAddresses): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return site === undefined || isOwnName(nameOf(`http://${host}`), own);
  const from = URL.parse(origin);
  if (from === null) return false;
  if (from.origin === publicUrl(own)?.origin) return true;
  // `Host` alone proves nothing: a name of the attacker's may have been bound to this machine's address (DNS rebinding).
  return from.host === URL.parse(`${from.protocol}//${host}`)?.host && isOwnName(from.hostname, own);
}

/** An address cannot be rebound, nor can `localhost`; other names only count where the operator has set them. */
function isOwnName(name: string, own: OwnAddresses): boolean {
  const bare = name.replace(/^\[|\]$/g, '');
  return isIP(bare) !== 0 || name === 'localhost' || name === own.host.toLowerCase() || name === publicUrl(own)?.hostname;
}

/** Pages from a bucket are not ours: what is in a compose comes from strangers. */
function publicUrl({ composeUrl, composeBucket }: OwnAddresses): URL | null {
  return composeBucket === undefined ? URL.parse(composeUrl) : null;
}

function nameOf(url: string): string {
  return URL.parse(url)?.hostname ?? '';
}
