import type { CacheInstance } from '../cache/cache-instance.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';

export interface RecordContext {
  readonly database: Database;
  readonly instances: ReadonlyMap<string, CacheInstance>;
  readonly now: () => Date;
}

/** The times of one call, ISO 8601 UTC. */
export interface UseTimes {
  readonly now: string;
  /** Use that was written before is written again: an eighth of the lease ago. */
  readonly stale: string;
  /** What was used after it is leased. */
  readonly leased: string;
  /** How long an entry that is found complete now is taken to be so. */
  readonly verifiedUntil: string;
}

const share = 8;

/** Errors: `invalid-request` for an instance that there is not. */
export function useTimes({ instances, now }: RecordContext, instance: string): UseTimes {
  const known = instances.get(instance);
  if (known === undefined) throw new MillraceError('invalid-request', `there is no cache ${JSON.stringify(instance)} here`, { suggestion: `There are: ${[...instances.keys()].join(', ')}.` });
  const lease = known.lease * 1000;
  const time = now().getTime();
  const at = (offset: number): string => new Date(time + offset).toISOString();
  return { now: at(0), stale: at(-lease / share), leased: at(-lease), verifiedUntil: at(lease / share) };
}
