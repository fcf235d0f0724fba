import { bracketHost, parseHost, type HostKind } from './host.js';

export type Scheme = 'http' | 'https';

/** Where a connection goes. */
export interface Authority {
  /** Lower case, no trailing dot, IPv6 without brackets. */
  readonly host: string;
  readonly kind: HostKind;
  /** 1 to 65535. */
  readonly port: number;
}

/** What a request asks for, with path and query exactly as sent. */
export interface RequestTarget extends Authority {
  readonly scheme: Scheme;
  /** Always starts with `/`; percent-encoding kept. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  /** Origin form, as to be sent to the server: `/path?query`. Keeps a lone `?`. */
  readonly originForm: string;
}

export interface TargetRefusal {
  readonly ok: false;
  readonly status: 400 | 414;
  readonly reason: string;
}

export type AuthorityResult = { readonly ok: true; readonly authority: Authority } | TargetRefusal;
export type TargetResult = { readonly ok: true; readonly target: RequestTarget } | TargetRefusal;

/** Longer targets are answered with 414. Signed download links of the large clouds stay under 4 KiB. */
export const maximumTargetLength = 16_384;

const defaultPorts: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };
const visibleAscii = /^[\x21-\x7e]*$/;

/** Reads the `host:port` of a CONNECT; both parts are required. */
export function parseAuthority(raw: string): AuthorityResult {
  return readAuthority(raw, undefined);
}

/** Reads a Host field, whose port may be missing. */
export function parseHostField(raw: string, scheme: Scheme): AuthorityResult {
  return readAuthority(raw, defaultPorts[scheme]);
}

/** Reads the target of a plain proxy request: `http://host[:port]/path?query`. User information and fragments are refused. */
export function parseAbsoluteTarget(raw: string): TargetResult {
  if (raw.length > maximumTargetLength) return tooLong();
  const scheme = schemeOf(raw);
  if (scheme === undefined) return refuse('the target is not an absolute http or https URL');
  const start = scheme.length + 3;
  const end = authorityEnd(raw, start);
  const authority = readAuthority(raw.slice(start, end), defaultPorts[scheme]);
  if (!authority.ok) return authority;
  const rest = raw.slice(end);
  return withPath(scheme, authority.authority, rest.startsWith('/') ? rest : `/${rest}`);
}

/** Reads the target of a request inside a tunnel: `/path?query`, for the authority that the tunnel was opened to. */
export function parseOriginTarget(raw: string, scheme: Scheme, authority: Authority): TargetResult {
  if (raw.length > maximumTargetLength) return tooLong();
  if (!raw.startsWith('/')) return refuse('the target is not in origin form (/path)');
  return withPath(scheme, authority, raw);
}

/** True when both name the same end point. */
export function sameAuthority(one: Authority, other: Authority): boolean {
  return one.host === other.host && one.port === other.port;
}

/** `https://host:443` (the port always) or `http://host` (`:80` left out), as fetch-service records origins. */
export function originOf(scheme: Scheme, authority: Authority): string {
  const host = bracketHost(authority.host);
  return scheme === 'http' && authority.port === 80 ? `http://${host}` : `${scheme}://${host}:${authority.port}`;
}

/** The URL for matching and for inspectors; credentials in the query are still in it, so record `redactUrl(normaliseUrl(target))`. */
export function normaliseUrl(target: RequestTarget): string {
  return originOf(target.scheme, target) + target.originForm;
}

function readAuthority(raw: string, defaultPort: number | undefined): AuthorityResult {
  if (raw.length > 512) return refuse('the authority is too long');
  if (raw.includes('@')) return refuse('user information in the target is not accepted');
  const bracket = raw.lastIndexOf(']');
  const colon = raw.indexOf(':', bracket + 1);
  if (colon === -1 && defaultPort === undefined) return refuse('the port is missing');
  const host = parseHost(colon === -1 ? raw : raw.slice(0, colon));
  if (!host.ok) return refuse(host.reason);
  const port = colon === -1 ? defaultPort : parsePort(raw.slice(colon + 1));
  if (port === undefined) return refuse('the port is not a number from 1 to 65535');
  return { ok: true, authority: { host: host.host, kind: host.kind, port } };
}

function parsePort(raw: string): number | undefined {
  if (!/^[1-9][0-9]{0,4}$/.test(raw)) return undefined;
  const port = Number(raw);
  return port <= 65_535 ? port : undefined;
}

function schemeOf(raw: string): Scheme | undefined {
  const lower = raw.slice(0, 8).toLowerCase();
  if (lower.startsWith('http://')) return 'http';
  return lower === 'https://' ? 'https' : undefined;
}

function authorityEnd(raw: string, start: number): number {
  for (let index = start; index < raw.length; index += 1) {
    const code = raw.charCodeAt(index);
    if (code === 0x2f /* / */ || code === 0x3f /* ? */ || code === 0x23 /* # */) return index;
  }
  return raw.length;
}

function withPath(scheme: Scheme, authority: Authority, originForm: string): TargetResult {
  if (!visibleAscii.test(originForm)) return refuse('the target has characters that a URL cannot have');
  if (originForm.includes('#')) return refuse('a target cannot have a fragment');
  const question = originForm.indexOf('?');
  const path = question === -1 ? originForm : originForm.slice(0, question);
  const query = question === -1 ? '' : originForm.slice(question + 1);
  return { ok: true, target: { scheme, host: authority.host, kind: authority.kind, port: authority.port, path, query, originForm } };
}

function refuse(reason: string): TargetRefusal {
  return { ok: false, status: 400, reason };
}

function tooLong(): TargetRefusal {
  return { ok: false, status: 414, reason: `the target is longer than ${maximumTargetLength} characters` };
}
