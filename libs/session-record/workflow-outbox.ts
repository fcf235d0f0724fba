import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

export type OutboxKind = 'start' | 'revoked' | 'ended' | 'expired';

export interface OutboxMessage {
  readonly id: number;
  readonly sessionId: string;
  readonly kind: OutboxKind;
  /** JSON. `start`: the workflow's `SessionInput`; `revoked` and `ended`: `{ by }`. */
  readonly payload: unknown;
  /** From 1. */
  readonly attempts: number;
}

export interface WorkflowOutbox {
  /** The workflow has been started: its `start` message is not needed any more. */
  startDelivered(sessionId: string): Promise<void>;
  /** The command has run although the engine was away: the workflow still has to hear of it. */
  leaveRevoke(sessionId: string, by: string): Promise<void>;
  leaveEnd(sessionId: string, by: string): Promise<void>;
}

export function createWorkflowOutbox(database: Database): WorkflowOutbox {
  return {
    async startDelivered(sessionId) {
      await query(database, `delete from outbox where session_id = $1 and kind = 'start'`, [sessionId]);
    },
    leaveRevoke: (sessionId, by) => leave(database, sessionId, { kind: 'revoked', payload: { by } }),
    leaveEnd: (sessionId, by) => leave(database, sessionId, { kind: 'ended', payload: { by } }),
  };
}

async function leave(database: Database, sessionId: string, message: { readonly kind: OutboxKind; readonly payload: unknown }): Promise<void> {
  await query(database, 'insert into outbox (session_id, kind, payload) values ($1, $2, $3) on conflict (session_id, kind) do nothing', [sessionId, message.kind, JSON.stringify(message.payload)]);
}

/**
 * Takes due messages, in the order in which they were left, for `claimSeconds`: a worker that dies gives them back by itself. Of
 * one session only the first is due, so that no workflow is ended before it is started.
 */
export async function claimOutbox(database: Database, options: { readonly limit?: number; readonly claimSeconds?: number } = {}): Promise<readonly OutboxMessage[]> {
  const rows = await query<{ id: string; session_id: string; kind: OutboxKind; payload: string; attempts: number }>(
    database,
    `with due as (
       select id from outbox o where due_at <= now() and not exists (select 1 from outbox earlier where earlier.session_id = o.session_id and earlier.id < o.id)
       order by id limit $1 for update skip locked)
     update outbox set due_at = now() + make_interval(secs => $2), attempts = attempts + 1 from due where outbox.id = due.id
     returning outbox.id, session_id, kind, payload, attempts`,
    [options.limit ?? 50, options.claimSeconds ?? 30],
  );
  return rows
    .map((row) => ({ id: Number(row.id), sessionId: row.session_id, kind: row.kind, payload: JSON.parse(row.payload) as unknown, attempts: row.attempts }))
    .sort((a, b) => a.id - b.id);
}

/** Delivered, or not deliverable ever. */
export async function completeOutbox(database: Database, ids: readonly number[]): Promise<void> {
  await query(database, 'delete from outbox where id = any($1::bigint[])', [ids]);
}
