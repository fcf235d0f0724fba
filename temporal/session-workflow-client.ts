import { WorkflowIdReusePolicy } from '@temporalio/common';
import { MillraceError } from '../libs/errors/millrace-error.js';
import { endSessionUpdate, revokeTokenUpdate, sessionStatusQuery, sessionTaskQueue, sessionWorkflowId, sessionWorkflowType, trafficRecordedSignal } from '../workflows/session/session-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError, hasName } from './workflow-errors.js';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { EndedSession, RevokedSession, SessionInput, SessionResult, SessionStatus, TrafficTotals } from '../workflows/session/session-messages.js';

export interface CallOptions {
  /** Milliseconds until the call is given up with `workflow-engine-unavailable`; 3000 when not given. */
  readonly deadline?: number;
}

export interface SessionWorkflowClientOptions {
  /** Another task queue than `sessions`; for specs that share a server. */
  readonly taskQueue?: string;
}

/**
 * The messages of the session workflow as calls. Errors: `workflow-engine-unavailable`, `session-not-found` (no such workflow),
 * `session-closed`, and whatever code the command behind the message failed with. A call that was given up may still take effect.
 */
export interface SessionWorkflowClient {
  /** Resolves when the workflow is durable; a workflow that exists already is fine, running or completed. */
  start(input: SessionInput, options?: CallOptions): Promise<void>;
  revoke(sessionId: string, by: string, options?: CallOptions): Promise<RevokedSession>;
  end(sessionId: string, by: string, options?: CallOptions): Promise<EndedSession>;
  status(sessionId: string, options?: CallOptions): Promise<SessionStatus>;
  recordTraffic(sessionId: string, totals: TrafficTotals, options?: CallOptions): Promise<void>;
}

const defaultDeadline = 3000;

export function createSessionWorkflowClient(client: Client, options: SessionWorkflowClientOptions = {}): SessionWorkflowClient {
  const taskQueue = options.taskQueue ?? sessionTaskQueue;
  const handleOf = (sessionId: string): WorkflowHandle => client.workflow.getHandle(sessionWorkflowId(sessionId));

  async function call<T>(sessionId: string, callOptions: CallOptions | undefined, work: () => Promise<T>): Promise<T> {
    const deadline = callOptions?.deadline ?? defaultDeadline;
    const subject = sessionWorkflowId(sessionId);
    try {
      return await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, work));
    } catch (error) {
      throw asMillraceError(error, subject);
    }
  }

  /** A completed workflow takes no updates any more, but its result has the answer that the update gave or would give. */
  async function orFromResult<T>(sessionId: string, update: () => Promise<T>, answer: (result: SessionResult) => T): Promise<T> {
    try {
      return await update();
    } catch (error) {
      if (!hasName(error, 'WorkflowNotFoundError')) throw error;
      return answer((await handleOf(sessionId).result()) as SessionResult);
    }
  }

  return {
    start: (input, callOptions) =>
      call(input.sessionId, callOptions, async () => {
        try {
          await client.workflow.start(sessionWorkflowType, { workflowId: sessionWorkflowId(input.sessionId), taskQueue, args: [input], workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE });
        } catch (error) {
          if (!hasName(error, 'WorkflowExecutionAlreadyStartedError')) throw error;
        }
      }),
    revoke: (sessionId, by, callOptions) =>
      call(sessionId, callOptions, () => orFromResult(sessionId, () => handleOf(sessionId).executeUpdate(revokeTokenUpdate, { args: [{ by }] }), revokedFrom)),
    end: (sessionId, by, callOptions) =>
      call(sessionId, callOptions, () =>
        orFromResult(sessionId, () => handleOf(sessionId).executeUpdate(endSessionUpdate, { args: [{ by }] }), (result) => ({ sessionId, endedAt: result.endedAt ?? '', retained: result.retained })),
      ),
    status: (sessionId, callOptions) => call(sessionId, callOptions, () => handleOf(sessionId).query(sessionStatusQuery)),
    recordTraffic: (sessionId, totals, callOptions) => call(sessionId, callOptions, () => handleOf(sessionId).signal(trafficRecordedSignal, totals)),
  };
}

function revokedFrom({ sessionId, openedAt, revokedAt, state }: SessionResult): RevokedSession {
  if (openedAt === null || revokedAt === null) throw new MillraceError('session-closed', `session ${sessionId} is ${state}`);
  return { sessionId, openedAt, revokedAt };
}
