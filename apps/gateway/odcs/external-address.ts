import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';

const hostName = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
const pathPrefix = /^(?:\/[A-Za-z0-9._~-]+)+\/?$/;

/**
 * Where the client sees this service: `https://composes.example/prefix`, without a slash at its end. A reverse proxy says it with the headers that ODCS
 * knows (`X-Forwarded-Host`, `X-Scheme`, `X-Script-Name`); what is no host, scheme or path is not believed.
 */
export function externalAddress(request: Pick<FastifyRequest, 'headers' | 'socket'>): string {
  const { headers, socket } = request;
  const scheme = headerValue(headers['x-scheme'])?.toLowerCase();
  const forwarded = headerValue(headers['x-forwarded-host'])?.split(',')[0]?.trim();
  const host = [forwarded, headers.host].find((each) => each !== undefined && hostName.test(each)) ?? `localhost:${socket.localPort}`;
  const own = socket instanceof TLSSocket ? 'https' : 'http';
  return `${scheme === 'http' || scheme === 'https' ? scheme : own}://${host}${scriptName(headers)}`;
}

/** The path prefix below which a reverse proxy shows this service; empty without one. */
export function scriptName(headers: FastifyRequest['headers']): string {
  const given = headerValue(headers['x-script-name']);
  if (given === undefined || given.length > 256 || !pathPrefix.test(given) || given.split('/').some((segment) => segment === '.' || segment === '..')) return '';
  return given.replace(/\/$/, '');
}

function headerValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
