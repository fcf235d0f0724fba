import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors/millrace-error.js';
import type { InstanceAccess } from './cache-access-schema.js';

/** How much one caller may do in a minute, over all its connections to this process. */
export interface CacheRates {
  /** Errors: `quota-exceeded`, with `retryAfter` (seconds) in its cause. */
  request(caller: string): void;
  /** Before bytes of a push are taken. Errors: as `request`. */
  bytes(caller: string, count: number): void;
  /** Whether a push may begin. Errors: as `request`. */
  push(caller: string): void;
}

const remembered = 50_000;

export function createRates({ 'requests-per-minute': requests, 'pushed-bytes-per-minute': bytes }: InstanceAccess['rates'], now: () => number): CacheRates {
  const requestRate = requests === undefined ? undefined : createAllowance({ perMinute: requests, now, what: 'requests' });
  const byteRate = bytes === undefined ? undefined : createAllowance({ perMinute: bytes, now, what: 'pushed bytes' });
  return {
    request: (caller) => requestRate?.take(caller, 1),
    bytes: (caller, count) => byteRate?.take(caller, count),
    push: (caller) => byteRate?.take(caller, 0),
  };
}

interface Allowance {
  readonly left: number;
  readonly at: number;
}

/** A minute's worth at once, and as much again each minute. What is taken may go below nothing once: then there is nothing until that is made up for. */
function createAllowance({ perMinute, now, what }: { readonly perMinute: number; readonly now: () => number; readonly what: string }): { take(caller: string, amount: number): void } {
  const callers = new LRUCache<string, Allowance>({ max: remembered });
  const perMillisecond = perMinute / 60_000;
  return {
    take(caller, amount) {
      const known = callers.get(caller);
      const left = known === undefined ? perMinute : Math.min(perMinute, known.left + Math.max(0, now() - known.at) * perMillisecond);
      if (left < 1) {
        const retryAfter = Math.max(1, Math.ceil((1 - left) / perMillisecond / 1000));
        throw new MillraceError('quota-exceeded', `too many ${what} in a minute`, { cause: { retryAfter }, suggestion: `Go on in ${retryAfter} s; more than ${perMinute} a minute is not allowed to one caller of this instance.` });
      }
      if (amount > 0) callers.set(caller, { left: left - amount, at: now() });
    },
  };
}
