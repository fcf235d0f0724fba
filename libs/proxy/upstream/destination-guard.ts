import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { LRUCache } from 'lru-cache';
import { compileCidrs, contains, embeddedIpv4, isLocalAddress, specialAddress, unmapAddress } from './special-addresses.js';

export interface DestinationGuardOptions {
  /** CIDRs that may be reached although they are special. */
  readonly allow: readonly string[];
  /** The service's own ports: never reachable on an address of this machine, whatever `allow` says. */
  readonly forbiddenPorts: readonly number[];
  /** All addresses of a name; rejects when there are none. The system's resolver when not given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Addresses of this machine; its interfaces' when not given. */
  readonly ownAddresses?: () => readonly string[];
  /** Who is refused, in the reasons: `sessions` when not given. */
  readonly client?: string;
  /** Name of the setting that allows special addresses, for whoever reads the refusal. */
  readonly setting?: string;
  /** How long one look-up may take, in milliseconds. */
  readonly resolveTimeout?: number;
}

export type DestinationCheck =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly rule: 'destination' | 'unresolved'; readonly reason: string };

export interface DestinationGuard {
  /** Resolves the host and says which of its addresses may be connected to. Connect to these, never to the name again. Never rejects. */
  check(host: string, port: number): Promise<DestinationCheck>;
}

/** More addresses than this are not tried anyway; a hostile name server could send thousands. */
const maximumAddresses = 16;
const cachedNames = 1000;
const cachedFor = 5_000;
const interfacesReadEvery = 5_000;

/** The only way for a session to learn where it may connect: every upstream connection asks here first. */
export function createDestinationGuard(options: DestinationGuardOptions): DestinationGuard {
  const { resolve = systemResolve, ownAddresses = interfaceAddresses, client = 'sessions', resolveTimeout = 10_000 } = options;
  const unlessSet = options.setting === undefined ? '' : `, and ${options.setting} does not allow it`;
  const allowed = compileCidrs(options.allow);
  const forbiddenPorts = new Set(options.forbiddenPorts);
  // Only the look-up is remembered, and only for seconds: what it gave is checked again for every connection.
  const lookups = new LRUCache<string, Promise<readonly string[]>>({ max: cachedNames, ttl: cachedFor });

  function addressesOf(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return Promise.resolve([host]);
    const known = lookups.get(host);
    if (known !== undefined) return known;
    const running = withTimeout(resolve(host), resolveTimeout);
    lookups.set(host, running);
    running.catch(() => lookups.delete(host));
    return running;
  }

  /** Undefined when the address may be connected to. */
  function refusal(address: string, port: number): string | undefined {
    const meanings = [address, ...embeddedIpv4(address)];
    if (forbiddenPorts.has(port)) {
      const own = ownAddresses();
      if (meanings.some((meaning) => isLocalAddress(meaning) || own.includes(meaning))) return `port ${port} of this machine belongs to Millrace itself`;
    }
    if (contains(allowed, address)) return undefined;
    for (const meaning of meanings) {
      const special = specialAddress(meaning);
      if (special !== undefined && !contains(allowed, meaning)) return `${address} is ${special}${unlessSet}`;
    }
    return undefined;
  }

  return {
    async check(host, port) {
      let resolved: readonly string[];
      try {
        resolved = await addressesOf(host);
      } catch (error) {
        return { ok: false, rule: 'unresolved', reason: `${host} does not resolve: ${describe(error)}` };
      }
      const addresses: string[] = [];
      let reason: string | undefined;
      for (const raw of resolved) {
        if (isIP(raw) === 0) continue;
        const address = unmapAddress(raw);
        const refused = refusal(address, port);
        if (refused === undefined && addresses.length < maximumAddresses && !addresses.includes(address)) addresses.push(address);
        reason ??= refused;
      }
      if (addresses.length > 0) return { ok: true, addresses };
      if (reason === undefined) return { ok: false, rule: 'unresolved', reason: `${host} has no address` };
      return { ok: false, rule: 'destination', reason: `${client} may not connect to ${host}: ${reason}` };
    },
  };
}

async function systemResolve(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map((entry) => entry.address);
}

let interfacesRead = -Infinity;
let interfaces: readonly string[] = [];

function interfaceAddresses(): readonly string[] {
  const now = performance.now();
  if (now - interfacesRead > interfacesReadEvery) {
    interfaces = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address));
    interfacesRead = now;
  }
  return interfaces;
}

function withTimeout<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
    timer.unref();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND') return 'no such host';
  if (code === 'EAI_AGAIN') return 'the name server does not answer';
  return code ?? message;
}
