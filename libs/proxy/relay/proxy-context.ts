import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Consult } from '../../inspection/inspector.js';
import type { LiveSession, ProxyPorts } from '../ports.js';
import type { UpstreamConnector } from '../upstream/connect.js';
import type { SecureContexts } from '../tls/secure-contexts.js';
import type { ProxiedRequest } from './proxied-request.js';
import type { RedirectMemory } from './redirect-memory.js';
import type { UpstreamPool } from './upstream-pool.js';

/** Times in milliseconds, sizes in bytes. */
export interface ProxyLimits {
  readonly requestHeadBytes: number;
  /** From the first byte of a request head to its last; also for the TLS handshake with the build. */
  readonly requestHeadTimeout: number;
  /** Without a byte from or to the build: between requests on a kept connection, and while the build is waited for. */
  readonly idleTimeout: number;
  /** Without a byte from upstream while an answer is awaited or read. */
  readonly upstreamTimeout: number;
  /** Strict holds a response back for this long before it sends the head, so that clients do not give up. */
  readonly strictHeadAfter: number;
  /** For all of a document that an inspector asked for; the inspection that waits for it has not much more. */
  readonly consultTimeout: number;
}

export const defaultLimits: ProxyLimits = {
  requestHeadBytes: 64 * 1024,
  requestHeadTimeout: 30_000,
  idleTimeout: 120_000,
  upstreamTimeout: 300_000,
  strictHeadAfter: 5_000,
  consultTimeout: 50_000,
};

/** A connection that ends after its running exchange, or at once, when it is told to. */
export interface OpenConnection {
  readonly socket: Socket;
  shutdown(): void;
}

/** What every connection of one proxy process shares. */
export interface ProxyContext {
  readonly ports: ProxyPorts;
  readonly connector: UpstreamConnector;
  readonly secureContexts: SecureContexts;
  readonly pool: UpstreamPool;
  readonly limits: ProxyLimits;
  /** Keep the bodies of inspected artefacts. */
  readonly keepBodies: boolean;
  readonly log: Logger;
  /** Open connections of builds, the insides of tunnels included, so that all can be shut down. */
  readonly connections: Set<OpenConnection>;
}

/** What an inspector of `asking`'s response fetches with; see consultations.ts. */
export type Consultations = (session: LiveSession, asking: ProxiedRequest) => Consult;

/** What exchanges need besides; made when the proxy starts. */
export interface RelayContext extends ProxyContext {
  readonly redirects: RedirectMemory;
  readonly consultations: Consultations;
}
