import { LRUCache } from 'lru-cache';
import { MillraceError } from '../../errors/millrace-error.js';
import { unmapAddress } from '../../proxy/upstream/special-addresses.js';

/** Keeps passwords from being guessed: an address that was wrong too often is not asked for a while. */
export interface FailedLogins {
  /** Errors: `quota-exceeded` while the address has no attempt left. */
  check(peerAddress: string): void;
  note(peerAddress: string): void;
}

interface Failures {
  readonly count: number;
  readonly at: number;
}

const remembered = 50_000;
/** Where no settings say it. */
export const defaultFailuresPerMinute = 60;

/** So many failures are allowed at once, and one more for each of their part of a minute. */
export function createFailedLogins({ perMinute, now }: { readonly perMinute: number; readonly now: () => number }): FailedLogins {
  const addresses = new LRUCache<string, Failures>({ max: remembered });
  const perMillisecond = perMinute / 60_000;

  function left(key: string): number {
    const known = addresses.get(key);
    return known === undefined ? 0 : Math.max(0, known.count - (now() - known.at) * perMillisecond);
  }

  return {
    check(peerAddress) {
      const excess = left(networkOf(peerAddress)) + 1 - perMinute;
      if (excess <= 0) return;
      const seconds = Math.ceil(excess / perMillisecond / 1000);
      const message = 'too many failed logins from this address';
      throw new MillraceError('quota-exceeded', message, { cause: Object.assign(new Error(message), { retryAfter: seconds }), suggestion: `Try again in ${seconds} s, with the right credentials.` });
    },
    note(peerAddress) {
      const key = networkOf(peerAddress);
      addresses.set(key, { count: left(key) + 1, at: now() });
    },
  };
}

/** Whoever has an IPv6 address has 2^64 of them. */
export function networkOf(peerAddress: string): string {
  const address = unmapAddress(peerAddress.replace(/%.*$/, ''));
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
