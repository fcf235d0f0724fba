import type { Logger } from 'pino';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { SessionCommands } from '../../../libs/session-record/session-commands.js';
import { policyDocumentSha256 } from '../../../libs/policy/record-policy-documents.js';
import { makeSessionId, makeSessionToken, tokenSha256 as digestToken } from '../../../libs/session/session-credentials.js';
import type { SessionWorkflows, WorkflowOutbox } from '../gateway-ports.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { withDeadline } from '../http/with-deadline.js';
import type { OpenRequest } from './open-request.js';

/** How long an answer waits for the workflow engine before the record goes on without it; see "Workflows and the gateway" in the architecture. */
export interface EngineDeadlines {
  readonly startMilliseconds: number;
  readonly updateMilliseconds: number;
}

export interface OpenedSession {
  readonly id: string;
  readonly token: string;
  readonly openedAt: string;
  readonly expiresAt: string;
}

export interface SessionLifecycleDependencies {
  readonly commands: SessionCommands;
  readonly workflows: SessionWorkflows;
  readonly outbox: WorkflowOutbox;
  readonly log: Logger;
  readonly metrics: Pick<GatewayMetrics, 'sessionsOpened'>;
  readonly deadlines?: EngineDeadlines;
}

const defaultDeadlines: EngineDeadlines = { startMilliseconds: 1500, updateMilliseconds: 3000 };

/** The three changes of a session as the gateway makes them: by the workflow where it answers in time, else directly. */
export class SessionLifecycle {
  private readonly deadlines: EngineDeadlines;

  constructor(private readonly dependencies: SessionLifecycleDependencies) {
    this.deadlines = dependencies.deadlines ?? defaultDeadlines;
  }

  async open(request: OpenRequest, owner: string): Promise<OpenedSession> {
    const { commands, log, metrics } = this.dependencies;
    const id = makeSessionId();
    const token = makeSessionToken();
    const tokenSha256 = digestToken(token);
    const { secrets, ...settings } = request;
    const opened = await commands.open({ sessionId: id, owner, tokenSha256, ...settings, ...(secrets.length === 0 ? {} : { secrets: { token, values: secrets } }), startWorkflow: true });
    metrics.sessionsOpened.inc({ policy: request.policy });
    log.info({ session: id, policy: request.policy, owner }, `create ${request.policy} session ${id}`);
    await this.start(id, owner, tokenSha256, settings);
    return { id, token, ...opened };
  }

  async revoke(sessionId: string, by: string): Promise<{ readonly sessionId: string; readonly openedAt: string; readonly revokedAt: string }> {
    const { commands, workflows, outbox, log } = this.dependencies;
    const revoked = await this.throughEngine(sessionId, {
      update: () => workflows.revoke(sessionId, by),
      direct: () => commands.revoke(sessionId, by),
      tellLater: () => outbox.leaveRevoke(sessionId, by),
    });
    log.info({ session: sessionId, by }, `revoked token of session ${sessionId}`);
    return revoked;
  }

  async end(sessionId: string, by: string): Promise<{ readonly sessionId: string; readonly endedAt: string; readonly retained: boolean }> {
    const { commands, workflows, outbox, log } = this.dependencies;
    const ended = await this.throughEngine(sessionId, {
      update: () => workflows.end(sessionId, by),
      direct: () => commands.end(sessionId, by),
      tellLater: () => outbox.leaveEnd(sessionId, by),
    });
    log.info({ session: sessionId, by, retained: ended.retained }, `discarding session ${sessionId}`);
    return ended;
  }

  /** Never fails the opening: the record has the session, and the outbox row starts the workflow when the engine is back. */
  private async start(id: string, owner: string, tokenSha256: string, settings: Omit<OpenRequest, 'secrets'>): Promise<void> {
    const { workflows, outbox, log } = this.dependencies;
    const { policyDocument, ...rest } = settings;
    const document = policyDocument === undefined ? {} : { policyDocumentSha256: policyDocumentSha256(policyDocument) };
    const started = workflows.start({ sessionId: id, owner, tokenSha256, ...rest, ...document }).then(() => outbox.startDelivered(id));
    try {
      await withDeadline(started, this.deadlines.startMilliseconds, engineTimeout);
    } catch (error) {
      log.warn({ session: id, err: error }, 'the workflow starts later: the engine did not answer in time');
    }
  }

  /** The record decides: whatever the engine answers but success, the command runs here and its own answer counts. */
  private async throughEngine<Result>(sessionId: string, ways: { update: () => Promise<Result>; direct: () => Promise<Result>; tellLater: () => Promise<void> }): Promise<Result> {
    let missed: boolean;
    try {
      return await withDeadline(ways.update(), this.deadlines.updateMilliseconds, engineTimeout);
    } catch (error) {
      this.dependencies.log.warn({ session: sessionId, err: error }, 'without the workflow: the command runs in the gateway');
      missed = isMillraceError(error) && (error.code === 'workflow-engine-unavailable' || error.code === 'session-not-found');
    }
    const result = await ways.direct();
    if (missed) await ways.tellLater();
    return result;
  }
}

function engineTimeout(): Error {
  return new MillraceError('workflow-engine-unavailable', 'the workflow engine did not answer in time');
}
