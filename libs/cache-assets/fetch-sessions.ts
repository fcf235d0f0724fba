import type { SessionCommands } from '../session-record/session-commands.js';
import type { WorkflowOutbox } from '../session-record/workflow-outbox.js';
import type { SessionPolicy } from '../policy/session-policy.js';
import { makeSessionId, makeSessionToken, tokenSha256 } from '../session/session-credentials.js';

export interface FetchSession {
  readonly id: string;
  readonly token: string;
  /** Not one more request goes upstream in its name, and all that did is in the record. */
  revoke(): Promise<void>;
  /** Its record stays when it is retained. */
  end(): Promise<void>;
}

export interface FetchSessionOptions {
  readonly owner: string;
  readonly policy: SessionPolicy;
  readonly retain: boolean;
  /** Seconds; a session that a crash left open ends by itself then. */
  readonly timeoutSeconds: number;
}

/** Sessions of the cache's own, opened as the gateway opens them while the workflow engine is away: the record first, and messages with which the engine catches up. */
export interface FetchSessions {
  open(options: FetchSessionOptions): Promise<FetchSession>;
}

export function createFetchSessions({ commands, outbox }: { readonly commands: SessionCommands; readonly outbox: Pick<WorkflowOutbox, 'leaveRevoke' | 'leaveEnd'> }): FetchSessions {
  return {
    async open(options) {
      const [id, token] = [makeSessionId(), makeSessionToken()];
      await commands.open({ ...options, sessionId: id, tokenSha256: tokenSha256(token), inspectorsConfiguration: {}, startWorkflow: true });
      return {
        id,
        token,
        async revoke() {
          await commands.revoke(id, options.owner);
          await outbox.leaveRevoke(id, options.owner);
        },
        async end() {
          await commands.end(id, options.owner);
          await outbox.leaveEnd(id, options.owner);
        },
      };
    },
  };
}
