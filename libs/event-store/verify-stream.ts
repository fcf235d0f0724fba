import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { chainDigest, firstPreviousDigest } from './event-chain.js';
import { readStream } from './read-stream.js';

export type StreamVerification =
  | { readonly intact: true; readonly events: number; readonly lastDigest: string }
  /** `position` is the first at which the chain is wrong. */
  | { readonly intact: false; readonly position: number; readonly problem: string };

/** Recomputes the whole chain from the events' own text and compares it with what is stored, the head included. */
export async function verifyStream(database: Database, streamId: string): Promise<StreamVerification> {
  const [head] = await query<{ version: string; last_digest: string }>(database, 'select version, last_digest from streams where id = $1', [streamId]);
  const version = Number(head?.version ?? 0);
  let events = 0;
  let lastDigest = firstPreviousDigest;
  for await (const event of readStream(database, streamId, { to: version })) {
    const position = events + 1;
    if (event.position !== position) return { intact: false, position, problem: `position ${position} is missing` };
    if (event.previousDigest !== lastDigest) return { intact: false, position, problem: 'the previous digest is not that of the event before' };
    if (chainDigest(lastDigest, event) !== event.digest) return { intact: false, position, problem: 'the digest does not fit the event' };
    events = position;
    lastDigest = event.digest;
  }
  if (version !== events || (head !== undefined && head.last_digest !== lastDigest)) {
    return { intact: false, position: events + 1, problem: `the stream's head says ${version} events ending in another digest` };
  }
  return { intact: true, events, lastDigest };
}
