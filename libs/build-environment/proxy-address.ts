import { MillraceError } from '../errors/millrace-error.js';

/** The parts of `http://<session>:<token>@<host>:<port>`, for tools that want them apart. */
export interface ProxyAddress {
  /** As given, with a trailing slash: some tools (apt) want a whole URL. */
  readonly url: string;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Throws `invalid-request` when a part is missing; the message does not repeat the token. */
export function readProxyAddress(proxyUrl: string): ProxyAddress {
  const url = URL.canParse(proxyUrl) ? new URL(proxyUrl) : undefined;
  if (url === undefined || url.protocol !== 'http:' || url.hostname === '' || url.username === '' || url.password === '') {
    throw new MillraceError('invalid-request', 'the proxy URL of a session is http://<session>:<token>@<host>:<port>/');
  }
  return {
    url: url.href,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}
