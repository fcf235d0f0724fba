import { randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { LRUCache } from 'lru-cache';
import type { CertificateAuthority } from './certificate-authority.js';

export interface SecureContextsOptions {
  /** How many hosts are kept; the least recently used goes first. A context takes some 10 to 30 KiB outside of the heap. */
  readonly max?: number;
  /** 48 bytes; processes that share a port may share them, so that tickets of one are good for the others. */
  readonly ticketKeys?: Buffer;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface SecureContexts {
  /** The server context for a host name or an IP address. Throws `invalid-request` for what is neither. */
  get(hostname: string): SecureContext;
  readonly size: number;
  readonly ticketKeys: Buffer;
}

interface Entry {
  readonly context: SecureContext;
  readonly usableFrom: number;
  readonly usableUntil: number;
}

/** A certificate is replaced this long before it ends, so that a connection that lasts does not outlive it. */
const renewBefore = 7 * 24 * 60 * 60 * 1000;

/** Bounded cache of server contexts by host, each with a certificate of `authority`. */
export function createSecureContexts(authority: CertificateAuthority, options: SecureContextsOptions = {}): SecureContexts {
  const { max = 1000, ticketKeys = randomBytes(48), now = Date.now } = options;
  const entries = new LRUCache<string, Entry>({ max, dispose: ({ context }) => freeNative(context) });

  function make(hostname: string): Entry {
    const issued = authority.issue(hostname);
    const context = createSecureContext({
      cert: issued.certificatePem,
      key: issued.keyPem,
      minVersion: 'TLSv1.2',
      // One set of keys for all hosts of the process: a context made anew still resumes sessions of the old one.
      ticketKeys,
      sessionIdContext: 'millrace',
    });
    const half = (issued.notAfter - issued.notBefore) / 2;
    return { context, usableFrom: issued.notBefore, usableUntil: issued.notAfter - Math.min(renewBefore, half) };
  }

  return {
    ticketKeys,
    get size() {
      return entries.size;
    },
    get(hostname) {
      const key = hostname.toLowerCase();
      const known = entries.get(key);
      const time = now();
      // Both ends are checked: a clock that jumped back makes a certificate "not yet valid" for clients whose clock is right.
      if (known !== undefined && time >= known.usableFrom && time < known.usableUntil) return known.context;
      const made = make(key);
      entries.set(key, made);
      return made.context;
    },
  };
}

/**
 * OpenSSL's part of a context is some 25 KiB that the garbage collector does not see, so a build of ten thousand hosts would grow the
 * process by hundreds of megabytes before it was collected. Connections that use the context hold a reference of their own.
 */
function freeNative({ context }: SecureContext): void {
  const native = context as { close?: () => void } | undefined;
  native?.close?.();
}
