import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { FailedLogins } from '../access/authentication/failed-logins.js';
import type { CacheCredentials } from './cache-access.js';

type Shown = Pick<CacheCredentials, 'peerAddress'> & { readonly authorization: string };

/** One limit for all ways to be known to the cache: an address that was wrong too often gets nothing more looked up, except what was right before. */
export interface LoginLimit {
  /** Before credentials are looked up anywhere. Errors: `quota-exceeded`. */
  demand(shown: Shown): void;
  right(shown: Shown): void;
  /** Errors: `quota-exceeded` in the place of what was wrong, where the address has no attempt left. */
  wrong(shown: Shown): void;
}

const remembered = 10_000;

export function createLoginLimit(failures: FailedLogins): LoginLimit {
  // By digest: the memory of the service holds no secrets.
  const proven = new LRUCache<string, true>({ max: remembered });
  return {
    // Builds behind one address are many, and one that fails on purpose shall not lock out those that are at work.
    demand({ authorization, peerAddress }) {
      if (!proven.has(digestOf(authorization))) failures.check(peerAddress);
    },
    right: ({ authorization }) => void proven.set(digestOf(authorization), true),
    wrong({ authorization, peerAddress }) {
      proven.delete(digestOf(authorization));
      failures.check(peerAddress);
      failures.note(peerAddress);
    },
  };
}

function digestOf(authorization: string): string {
  return createHash('sha256').update(authorization, 'utf8').digest('base64');
}
