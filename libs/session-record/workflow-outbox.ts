import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

export type OutboxKind = 'start' | 'revoked' | 'ended' | 'expired';

/** What the gateway leaves for the engine; `outbox-deliveries.ts` is the worker's side. */
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
