import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import { bracketHost } from '../target/host.js';
import type { Authority, Scheme } from '../target/request-target.js';
import type { DestinationGuard } from './destination-guard.js';
import { compileHostPatterns } from './host-patterns.js';
import { openTcp, openTls } from './open-socket.js';
import { openTunnel, parseParentProxy } from './parent-proxy.js';
import { createUpstreamContext, type ClientIdentity } from './trusted-authorities.js';

export interface UpstreamConnectorOptions {
  readonly guard: DestinationGuard;
  /** `http://[user:password@]host:port` */
  readonly upstreamProxy?: string | undefined;
  /** Hosts that go around it: exact, `.suffix`, glob or CIDR. */
  readonly noProxy?: readonly string[];
  /** PEM file of authorities trusted besides the system's. */
  readonly caFile?: string | undefined;
  /** For connectors that speak to one server only; `servername`: whom its certificate names, when not the host. */
  readonly tls?: (ClientIdentity & { readonly servername?: string | undefined }) | undefined;
  /** Milliseconds for all addresses of a host together. */
  readonly connectTimeout?: number;
  /** Milliseconds. */
  readonly tlsTimeout?: number;
}

export interface ConnectRequest extends Pick<Authority, 'host' | 'port'> {
  readonly scheme: Scheme;
  readonly signal?: AbortSignal | undefined;
}

export type ConnectResult =
  | {
      readonly ok: true;
      /** Ready to be written to; for https a verified TLSSocket. No listener of ours is left but `session`. */
      readonly socket: Socket;
      /** `ip:port` that was connected to: the parent proxy's when there is one. */
      readonly remoteAddress: string;
      /** Send the request line in absolute form, because a parent proxy reads it. */
      readonly absoluteForm: boolean;
      /** Send this Proxy-Authorization with every request on the socket. */
      readonly proxyAuthorization: string | undefined;
    }
  | {
      readonly ok: false;
      /** `resolve`: nothing was connected to, and `rule` says why. */
      readonly stage: 'resolve' | 'connect' | 'tls' | 'aborted';
      readonly rule: 'destination' | 'unresolved' | undefined;
      readonly reason: string;
    };

export interface UpstreamConnector {
  /** Never rejects. */
  connect(request: ConnectRequest): Promise<ConnectResult>;
}

type Failure = Extract<ConnectResult, { ok: false }>;

const rememberedSessions = 1000;

/** Names that a parent proxy would take for itself or for its cloud's metadata service, when they do not resolve here. */
const parentLocalName = /(?:^|\.)(?:localhost|localdomain)$|^(?:metadata|metadata\.google\.internal|instance-data)$/;

export function createUpstreamConnector(options: UpstreamConnectorOptions): UpstreamConnector {
  const { guard, connectTimeout = 15_000, tlsTimeout = 15_000 } = options;
  const parent = options.upstreamProxy === undefined ? undefined : parseParentProxy(options.upstreamProxy);
  const goesDirect = compileHostPatterns(options.noProxy ?? []);
  const context = createUpstreamContext(options.caFile, options.tls);
  const sessions = new LRUCache<string, Buffer>({ max: rememberedSessions });

  async function connect(request: ConnectRequest): Promise<ConnectResult> {
    const checked = await guard.check(request.host, request.port);
    if (request.signal?.aborted === true) return failed('aborted', 'aborted');
    if (parent !== undefined && !goesDirect(request.host)) {
      // What does not resolve here may resolve there; what resolves to a forbidden place is refused before anybody is asked.
      if (!checked.ok && (checked.rule === 'destination' || parentLocalName.test(request.host))) return refused(checked);
      return throughParent(request);
    }
    if (!checked.ok) return refused(checked);
    const opened = await openFirst(checked.addresses, request);
    if (!('socket' in opened)) return opened;
    return secured(request, opened.socket, { remoteAddress: opened.remoteAddress, absoluteForm: false, proxyAuthorization: undefined });
  }

  /** Tries the addresses in their order; each gets its share of the time that is left. */
  async function openFirst(addresses: readonly string[], request: ConnectRequest): Promise<{ socket: Socket; remoteAddress: string } | Failure> {
    const deadline = performance.now() + connectTimeout;
    const reasons: string[] = [];
    for (const [index, address] of addresses.entries()) {
      const left = deadline - performance.now();
      if (left <= 0) break;
      const remoteAddress = `${bracketHost(address)}:${request.port}`;
      try {
        const socket = await openTcp(address, request.port, { timeout: Math.ceil(left / (addresses.length - index)), signal: request.signal });
        return { socket, remoteAddress };
      } catch (error) {
        if (request.signal?.aborted === true) return failed('aborted', 'aborted');
        reasons.push(`${remoteAddress}: ${describe(error)}`);
      }
    }
    return failed('connect', `cannot connect to ${request.host}: ${reasons.slice(0, 4).join('; ')}`);
  }

  async function throughParent(request: ConnectRequest): Promise<ConnectResult> {
    if (parent === undefined) throw new Error('no parent proxy');
    try {
      const socket = await openTcp(parent.host, parent.port, { timeout: connectTimeout, signal: request.signal });
      const remoteAddress = `${bracketHost(socket.remoteAddress ?? parent.host)}:${parent.port}`;
      if (request.scheme === 'http') return { ok: true, socket, remoteAddress, absoluteForm: true, proxyAuthorization: parent.authorization };
      await openTunnel(socket, request, { ...parent, timeout: connectTimeout, signal: request.signal });
      return await secured(request, socket, { remoteAddress, absoluteForm: false, proxyAuthorization: undefined });
    } catch (error) {
      if (request.signal?.aborted === true) return failed('aborted', 'aborted');
      return failed('connect', `cannot connect to ${request.host} through the upstream proxy: ${describe(error)}`);
    }
  }

  async function secured(request: ConnectRequest, socket: Socket, rest: { remoteAddress: string; absoluteForm: boolean; proxyAuthorization: string | undefined }): Promise<ConnectResult> {
    if (request.scheme === 'http') return { ok: true, socket, ...rest };
    const origin = `${bracketHost(request.host)}:${request.port}`;
    try {
      const secure = await openTls(socket, {
        host: options.tls?.servername ?? request.host,
        context,
        session: sessions.get(origin),
        onSession: (session) => sessions.set(origin, session),
        timeout: tlsTimeout,
        signal: request.signal,
      });
      return { ok: true, socket: secure, ...rest };
    } catch (error) {
      // A session that the server cannot use any more must not fail the next attempt too.
      sessions.delete(origin);
      if (request.signal?.aborted === true) return failed('aborted', 'aborted');
      return failed('tls', `no trusted TLS connection to ${request.host}: ${describe(error)}`);
    }
  }

  return { connect };
}

function refused(check: { readonly rule: 'destination' | 'unresolved'; readonly reason: string }): Failure {
  return { ok: false, stage: 'resolve', rule: check.rule, reason: check.reason };
}

function failed(stage: Failure['stage'], reason: string): Failure {
  return { ok: false, stage, rule: undefined, reason };
}

const plainReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'timed out',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not trusted, or the intermediate is missing',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const plain = code === undefined ? undefined : plainReasons[code];
  // Messages of a handshake may quote the server's certificate: bounded, because they go into the record.
  return plain ?? (message || code || 'unknown error').slice(0, 300);
}
