import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { OutboxDeliveries, OutboxMessage } from '../../libs/session-record/outbox-deliveries.js';
import type { SessionWorkflowClient } from '../../temporal/session-workflow-client.js';
import type { SessionInput } from '../../workflows/session/session-messages.js';

export interface OutboxDispatcherOptions {
  readonly outbox: OutboxDeliveries;
  readonly sessions: SessionWorkflowClient;
  readonly log: Logger;
}

/** Messages of one round. */
const batch = 50;
/** Milliseconds for one message: an update waits for its activity, and that for a proxy's lease. */
const deadline = 15_000;
/** The workflow is closed, or never was: there is nothing left that could catch up. */
const settled = new Set(['session-not-found', 'session-closed', 'policy-not-allowed', 'invalid-request', 'record-conflict']);

/**
 * One round: brings the workflows level with what the gateway recorded while Temporal was away. A message is claimed, delivered, then
 * deleted, so a worker that dies in between has it delivered again by another; the workflow takes repetitions. What cannot be
 * delivered now is due again some seconds later. Rejects when the database is away.
 */
export async function dispatchOutbox(options: OutboxDispatcherOptions): Promise<number> {
  const { outbox, log } = options;
  const messages = await outbox.claim(batch);
  // In order within a session, sessions beside each other: one that waits holds up no other.
  const bySession = Map.groupBy(messages, (message) => message.sessionId);
  const delivered = await Promise.all(
    [...bySession.values()].map(async (ofSession) => {
      let count = 0;
      for (const message of ofSession) {
        if (!(await deliver(message, options))) {
          await outbox.release(message.id);
          break;
        }
        await outbox.remove(message.id);
        count += 1;
      }
      return count;
    }),
  );
  const total = delivered.reduce((sum, count) => sum + count, 0);
  if (messages.length > 0) log.info({ task: 'outbox', delivered: total, kept: messages.length - total }, 'brought workflows up to date');
  return total;
}

async function deliver(message: OutboxMessage, { sessions, log }: OutboxDispatcherOptions): Promise<boolean> {
  const { sessionId, kind } = message;
  try {
    await send(message, sessions);
    return true;
  } catch (error) {
    const code = isMillraceError(error) ? error.code : 'internal';
    const final = settled.has(code);
    log[final ? 'info' : 'warn']({ task: 'outbox', sessionId, kind, code, attempts: message.attempts }, final ? 'nothing left to deliver' : 'not delivered yet');
    return final;
  }
}

async function send({ sessionId, kind, payload }: OutboxMessage, sessions: SessionWorkflowClient): Promise<void> {
  const content = JSON.parse(payload) as unknown;
  if (kind === 'start') return sessions.start(content as SessionInput, { deadline });
  if (kind === 'revoked') await sessions.revoke(sessionId, byOf(content), { deadline });
  else await sessions.end(sessionId, kind === 'expired' ? 'timeout' : byOf(content), { deadline });
}

function byOf(content: unknown): string {
  const by = typeof content === 'object' && content !== null ? (content as { by?: unknown }).by : undefined;
  return typeof by === 'string' && by !== '' ? by : 'control API';
}
