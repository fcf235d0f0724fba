import { setTimeout as pause } from 'node:timers/promises';
import { inTransaction, query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import { sessionStreamId } from '../session/session-events.js';

export const sessionClosedChannel = 'millrace_session_closed';

/** Part of the transaction that closes a session: proxies hear of it when it commits, or find the row at their next renewal. */
export async function requestClose(sql: Sql, sessionId: string): Promise<void> {
  await sql('insert into revocations (session_id) values ($1) on conflict do nothing', [sessionId]);
  await sql('delete from session_secrets where session_id = $1', [sessionId]);
  await sql('select pg_notify($1, $2)', [sessionClosedChannel, sessionId]);
}

export interface SettleOptions {
  /** Longest wait for a process that renews its lease and does not acknowledge. */
  readonly acknowledgeWithinMilliseconds: number;
}

interface Progress {
  readonly sealed: boolean;
  readonly waiting_for: readonly string[];
}

/**
 * Waits until no proxy process with a live lease is without acknowledgement, then seals the stream. Safe for several callers at
 * once and after a crash. The order matters: the closing event is committed before the leases are read, and a process reads the
 * states of its sessions after its own lease is committed, so one of the two always sees the other.
 * Errors: `record-conflict` (retryable) when a live process does not acknowledge in time.
 */
export async function settleClose(database: Database, sessionId: string, options: SettleOptions): Promise<void> {
  const giveUpAt = performance.now() + options.acknowledgeWithinMilliseconds;
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    const progress = await readProgress(database, sessionId);
    if (progress === undefined || progress.sealed) return;
    if (progress.waiting_for.length === 0) return seal(database, sessionId);
    if (performance.now() > giveUpAt) {
      throw new MillraceError('record-conflict', `proxy processes have not acknowledged the close of session ${sessionId}: ${progress.waiting_for.join(', ')}`, { suggestion: 'Call again; restart these processes if that does not help.' });
    }
    await pause(wait);
  }
}

/** One statement, so one snapshot: sealing and deleting the acknowledgements are one transaction, too. */
async function readProgress(database: Database, sessionId: string): Promise<Progress | undefined> {
  const [row] = await query<Progress>(
    database,
    `select t.sealed, array(
       select p.name from proxy_processes p where p.lease_until > clock_timestamp()
         and not exists (select 1 from revocation_acks a where a.session_id = $2 and a.process_id = p.id)
       order by p.name) as waiting_for
     from streams t where t.id = $1`,
    [sessionStreamId(sessionId), sessionId],
  );
  return row;
}

async function seal(database: Database, sessionId: string): Promise<void> {
  await inTransaction(database, async ({ sql }) => {
    // Waits for appends under way: they are in the record before it is closed.
    await sql('update streams set sealed = true where id = $1', [sessionStreamId(sessionId)]);
    await sql('delete from revocations where session_id = $1', [sessionId]);
    await sql('delete from revocation_acks where session_id = $1', [sessionId]);
  });
}
