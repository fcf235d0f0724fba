import { MillraceError } from '../../libs/errors/millrace-error.js';
import { defaultTimeoutSeconds } from '../../workflows/session/session-messages.js';
import { performed as withHeartbeat } from '../performed.js';
import { asActivityFailure } from './activity-failure.js';
import type { ErrorCode } from '../../libs/errors/millrace-error.js';
import type { SessionCommands } from '../../libs/session-record/session-commands.js';
import type { SessionActivities } from '../../workflows/session/session-activities.js';

export interface SessionActivityOptions {
  readonly commands: SessionCommands;
  /** Settings: whether sessions may ask for permissive. */
  readonly permissive: boolean;
}

/** Revoking may wait for a proxy's lease, ending may delete many bodies. */
const performed = <T>(command: () => Promise<T>, final: readonly ErrorCode[] = []): Promise<T> => withHeartbeat(command, (error) => asActivityFailure(error, final));

/**
 * The activities of the session workflow. All are idempotent, because the commands are. Errors become `ApplicationFailure`s
 * with the Millrace code as type; `errorTable` says which of them are worth a retry.
 */
export function createSessionActivities(options: SessionActivityOptions): SessionActivities {
  const { commands } = options;
  return {
    openSession: (input) =>
      performed(async () => {
        if (input.policy === 'permissive' && !options.permissive) {
          throw new MillraceError('policy-not-allowed', 'this service does not allow permissive sessions', { suggestion: 'Ask for strict, or set MILLRACE_PERMISSIVE=1 on the worker.' });
        }
        const { openedAt, expiresAt } = await commands.open({
          sessionId: input.sessionId,
          policy: input.policy,
          owner: input.owner,
          tokenSha256: input.tokenSha256,
          timeoutSeconds: input.timeoutSeconds === undefined || input.timeoutSeconds === 0 ? defaultTimeoutSeconds : input.timeoutSeconds,
          retain: input.retain ?? false,
          inspectorsConfiguration: input.inspectorsConfiguration ?? {},
          ...(input.policyDocument === undefined ? {} : { policyDocument: input.policyDocument }),
          ...(input.policyDocumentSha256 === undefined ? {} : { policyDocumentSha256: input.policyDocumentSha256 }),
        });
        return { openedAt, expiresAt };
        // The id is taken by a session with other content: that does not pass.
      }, ['record-conflict']),
    revokeToken: (sessionId, by) => performed(() => commands.revoke(sessionId, by)),
    endSession: (sessionId, by) => performed(() => commands.end(sessionId, by)),
    expireSession: (sessionId) => performed(() => commands.expire(sessionId)),
  };
}
