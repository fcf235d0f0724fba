import { randomUUID } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';
import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { appendToStream } from '../event-store/append-to-streams.js';
import { sessionStreamId, type SessionOpened } from '../session/session-events.js';
import { assertSessionId } from '../session/session-id.js';
import { tokenSha256 } from '../session/session-credentials.js';
import { decide, type SessionCommand } from '../session/session.js';
import type { RecordedPolicyDocument } from '../policy/policy-document.js';
import { combinePolicyDocuments, policyDocumentSha256, readPolicyDocument } from '../policy/record-policy-documents.js';
import { requestClose, settleClose } from './close-session.js';
import { findClosed, loadSession, lockStream, type LoadedSession } from './load-session.js';
import { deleteWorkingRows, purgeRows } from './purge-session.js';
import type { OpenSession, SessionCommands } from './session-commands.js';
import { sealSecrets } from './session-secrets-seal.js';
import { isTrafficEvent, writeLifecycleProjection } from './write-projections.js';

export interface SessionCommandOptions {
  /** What is deleted with a session; `libs/blobs` has it. */
  readonly blobs?: { removeSession(sessionId: string): Promise<void> };
  /** The service's own policy document: in force for every session that is opened. */
  readonly servicePolicy?: RecordedPolicyDocument;
  /** Ecosystems that sessions' documents may name; undefined: any. */
  readonly ecosystems?: readonly string[];
  readonly now?: () => Date;
  /** Longest wait for a proxy that lives and does not acknowledge a close; 20,000 when not given. */
  readonly acknowledgeWithinMilliseconds?: number;
}

type Closed = { readonly sessionId: string; readonly endedAt: string; readonly retained: boolean };

/** The commands on PostgreSQL; see `session-commands.ts` for what they promise. */
export function createSessionCommands(database: Database, options: SessionCommandOptions = {}): SessionCommands {
  const now = (): string => (options.now?.() ?? new Date()).toISOString();
  const settling = { acknowledgeWithinMilliseconds: options.acknowledgeWithinMilliseconds ?? 20_000 };

  async function revoke(sessionId: string, by: string): Promise<{ sessionId: string; openedAt: string; revokedAt: string }> {
    assertSessionId(sessionId);
    const session = await carryOut(database, sessionId, { type: 'RevokeToken', now: now(), by });
    await settleClose(database, sessionId, settling);
    const { opened, revokedAt } = session;
    if (opened === null || revokedAt === null) throw new MillraceError('internal', 'a revoked session has its dates');
    return { sessionId, openedAt: opened.openedAt, revokedAt };
  }

  async function close(sessionId: string, command: SessionCommand): Promise<Closed> {
    try {
      const session = await carryOut(database, sessionId, command);
      await settleClose(database, sessionId, settling);
      return await finish(database, { sessionId, session, blobs: options.blobs });
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'session-not-found') throw error;
      const closedAt = await inTransaction(database, ({ sql }) => findClosed(sql, sessionId));
      if (closedAt === undefined) throw error;
      return { sessionId, endedAt: closedAt, retained: false };
    }
  }

  return {
    async open(command) {
      assertSessionId(command.sessionId);
      const policyDocuments = documentsOf(command, options);
      const opened = await inTransaction(database, ({ sql }) => openSession(sql, command, { now: now(), policyDocuments }));
      return { openedAt: opened.openedAt, expiresAt: opened.expiresAt };
    },

    revoke,

    async end(sessionId, by) {
      assertSessionId(sessionId);
      const session = await inTransaction(database, ({ sql }) => loadSession(sql, sessionId));
      if (session.state === 'open') await revokeIfThere(revoke, sessionId, by);
      // A close that was asked for before, and killed while it waited, is finished before the record says that it has ended.
      else if (session.state === 'revoked') await settleClose(database, sessionId, settling);
      return close(sessionId, { type: 'EndSession', now: now(), by });
    },

    async expire(sessionId) {
      assertSessionId(sessionId);
      return close(sessionId, { type: 'ExpireSession', now: now() });
    },
  };
}

/** Another caller may have ended it in the meantime; `close` then finds out how. */
async function revokeIfThere(revoke: SessionCommands['revoke'], sessionId: string, by: string): Promise<void> {
  try {
    await revoke(sessionId, by);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'session-not-found') throw error;
  }
}

/** Outside of the transaction: a large document takes a while to read. */
function documentsOf({ policyDocument }: OpenSession, { servicePolicy, ecosystems }: SessionCommandOptions): readonly RecordedPolicyDocument[] {
  return combinePolicyDocuments(servicePolicy, policyDocument === undefined ? undefined : readPolicyDocument(policyDocument, 'session', ecosystems));
}

interface Opening {
  readonly now: string;
  readonly policyDocuments: readonly RecordedPolicyDocument[];
}

async function openSession(sql: Sql, command: OpenSession, opening: Opening): Promise<SessionOpened['data']> {
  const { sessionId } = command;
  const streamId = sessionStreamId(sessionId);
  // Creates or locks the stream: of two calls at once, the second finds what the first has written.
  await appendToStream(sql, { streamId, expected: 'any', events: [] });
  if ((await findClosed(sql, sessionId)) !== undefined) throw new MillraceError('session-closed', `session ${sessionId} was opened and closed before`);
  const session = await loadSession(sql, sessionId);
  const [event] = decide(openCommand(command, opening), session);
  if (event === undefined) {
    if (session.opened === null) throw new MillraceError('internal', 'opening decided nothing');
    return session.opened;
  }
  if (event.type !== 'SessionOpened') throw new MillraceError('internal', `opening decided ${event.type}`);
  const appended = await appendToStream(sql, { streamId, expected: 'none', events: [{ eventId: randomUUID(), type: event.type, data: event.data }] });
  await writeLifecycleProjection(sql, { sessionId, position: appended.version }, event);
  await sql('insert into traffic_notifications (session_id, notified_position) values ($1, $2)', [sessionId, appended.version]);
  await sql(`update counters set value = value + 1 where name = 'sessions-opened'`);
  await storeSecrets(sql, command);
  if (command.startWorkflow === true) await leaveStart(sql, command);
  return event.data;
}

function openCommand(command: OpenSession, { now, policyDocuments }: Opening): SessionCommand {
  const { sessionId, policy, owner, timeoutSeconds, retain, inspectorsConfiguration, policyDocumentSha256: digest } = command;
  if (!/^[0-9a-f]{64}$/.test(command.tokenSha256)) throw new MillraceError('invalid-request', 'tokenSha256 is 64 lower-case hex digits');
  const secrets = command.secrets?.values.map(({ type, url }) => ({ type, url }));
  return { type: 'OpenSession', now, sessionId, policy, owner, timeoutSeconds, retain, inspectorsConfiguration, tokenDigest: `sha256:${command.tokenSha256}`, policyDocuments, ...(digest === undefined ? {} : { policyDocumentSha256: digest }), ...(secrets === undefined ? {} : { secrets }) };
}

async function storeSecrets(sql: Sql, { sessionId, secrets, tokenSha256: digest }: OpenSession): Promise<void> {
  if (secrets === undefined || secrets.values.length === 0) return;
  if (tokenSha256(secrets.token) !== digest) throw new MillraceError('invalid-token', 'the secrets were handed in with another token');
  await sql('insert into session_secrets (session_id, sealed) values ($1, $2)', [sessionId, sealSecrets(sessionId, secrets.token, secrets.values)]);
}

/** Everything of `SessionInput`, so that the worker can start the workflow without the gateway; of the policy document its digest, because the record has it. */
async function leaveStart(sql: Sql, command: OpenSession): Promise<void> {
  const { sessionId, policy, owner, tokenSha256: digest, timeoutSeconds, retain, inspectorsConfiguration, policyDocument } = command;
  const document = policyDocument === undefined ? {} : { policyDocumentSha256: policyDocumentSha256(policyDocument) };
  const payload = JSON.stringify({ sessionId, policy, owner, tokenSha256: digest, timeoutSeconds, retain, inspectorsConfiguration, ...document });
  // Due a little later: the gateway that opens the session starts the workflow itself and deletes this row.
  await sql(`insert into outbox (session_id, kind, payload, due_at) values ($1, 'start', $2, now() + interval '3 seconds') on conflict do nothing`, [sessionId, payload]);
}

/** Decides and appends under the stream's lock; answers with the session as it is then. */
async function carryOut(database: Database, sessionId: string, command: SessionCommand): Promise<LoadedSession> {
  return inTransaction(database, async ({ sql }) => {
    await lockStream(sql, sessionId);
    const session = await loadSession(sql, sessionId);
    const events = decide(command, session);
    for (const event of events) {
      if (isTrafficEvent(event)) throw new MillraceError('internal', `${command.type} decided ${event.type}`);
      const appended = await appendToStream(sql, { streamId: sessionStreamId(sessionId), expected: 'exists', events: [{ eventId: randomUUID(), type: event.type, data: event.data }], evenIfSealed: true });
      await writeLifecycleProjection(sql, { sessionId, position: appended.version }, event);
      if (session.state === 'open') await requestClose(sql, sessionId);
    }
    return events.length === 0 ? session : loadSession(sql, sessionId);
  });
}

/** Blobs first: a crash in between leaves the rows, and with them the next call's reason to go on. */
async function finish(database: Database, work: { readonly sessionId: string; readonly session: LoadedSession; readonly blobs: SessionCommandOptions['blobs'] }): Promise<Closed> {
  const { sessionId, session, blobs } = work;
  if (session.opened === null || session.endedAt === null) throw new MillraceError('internal', 'a closed session has its dates');
  const { endedAt } = session;
  const { retain } = session.opened;
  if (!retain) await blobs?.removeSession(sessionId);
  await inTransaction(database, async ({ sql }) => {
    await lockStream(sql, sessionId);
    if (retain) await deleteWorkingRows(sql, sessionId);
    else await purgeRows(sql, sessionId, endedAt);
  });
  return { sessionId, endedAt, retained: retain };
}
