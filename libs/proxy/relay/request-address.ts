import type { RequestHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import { parseAbsoluteTarget, parseHostField, parseOriginTarget, sameAuthority, type Authority, type RequestTarget, type Scheme, type TargetResult } from '../target/request-target.js';

/** What a connection inside a CONNECT knows. */
export interface Tunnel {
  readonly session: LiveSession;
  readonly scheme: Scheme;
  readonly authority: Authority;
  /** `https://host:443`. */
  readonly origin: string;
}

export type AddressedRequest =
  | { readonly ok: true; readonly target: RequestTarget }
  | { readonly ok: false; readonly target: RequestTarget; readonly rule: 'host-mismatch'; readonly reason: string; readonly status: 421 }
  | { readonly ok: false; readonly target: undefined; readonly reason: string; readonly status: number };

/**
 * Where a request goes. Outside of a tunnel only the absolute form counts (Host is replaced by it, RFC 9112 section 3.2.2). Inside,
 * the tunnel says where, and a Host that names another place is refused: the record would name one origin and the bytes come from another.
 */
export function addressRequest(head: RequestHead, tunnel: Tunnel | undefined): AddressedRequest {
  if (tunnel === undefined) return fromTarget(readProxyTarget(head.target));
  const result = head.target.startsWith('/') ? parseOriginTarget(head.target, tunnel.scheme, tunnel.authority) : parseAbsoluteTarget(head.target);
  if (!result.ok) return fromTarget(result);
  const host = parseHostField(head.host ?? '', tunnel.scheme);
  const target = result.target;
  const matches = target.scheme === tunnel.scheme && sameAuthority(target, tunnel.authority) && (head.host === undefined || (host.ok && sameAuthority(host.authority, tunnel.authority)));
  if (matches) return { ok: true, target };
  const own = { ...target, scheme: tunnel.scheme, host: tunnel.authority.host, kind: tunnel.authority.kind, port: tunnel.authority.port };
  return { ok: false, target: own, rule: 'host-mismatch', reason: `the request names another host than the tunnel to ${tunnel.origin}`, status: 421 };
}

function readProxyTarget(raw: string): TargetResult {
  if (!raw.startsWith('/') && raw !== '*') return parseAbsoluteTarget(raw);
  return { ok: false, status: 400, reason: 'this is a proxy: send requests for absolute URLs, or CONNECT (set http_proxy and https_proxy to it)' };
}

function fromTarget(result: TargetResult): AddressedRequest {
  return result.ok ? result : { ok: false, target: undefined, reason: result.reason, status: result.status };
}
