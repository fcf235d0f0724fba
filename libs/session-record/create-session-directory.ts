import { randomUUID } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';
import { asMillraceError } from '../database/database-errors.js';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { compilePolicy, type CompiledPolicy } from '../policy/compile-policy.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';
import type { LiveSession, SessionDirectory } from '../proxy/ports.js';
import { sessionStreamId, type SessionOpened } from '../session/session-events.js';
import { isSessionId } from '../session/session-id.js';
import { tokenMatches } from '../session/session-credentials.js';
import { createKnowledgeCache, createSessionKnowledge } from './create-session-knowledge.js';
import { createKnowledgeReader } from './knowledge-reader.js';
import { createLiveSession, type ControlledSession } from './create-live-session.js';
import { isoUtc } from '../database/iso-utc.js';
import { keepLease, type SessionLease } from './session-lease.js';
import { openSecrets } from './session-secrets-seal.js';

export interface SessionDirectoryOptions {
  /** For operators; need not be unique. */
  readonly processName: string;
}

export interface ClosableSessionDirectory extends SessionDirectory {
  readonly processId: string;
  /** Whether requests can be admitted: the lease on the record is held. */
  ready(): boolean;
  /** Gives the lease back; from now on no session admits anything. Call it when the work under way has ended. */
  close(): Promise<void>;
}

interface Entry {
  readonly session: ControlledSession;
  readonly tokenDigest: string;
}

/** A load that a close has overtaken must not be believed. */
interface Loading {
  overtaken: boolean;
}

interface SessionRow {
  readonly policy: SessionPolicy;
  readonly token_digest: string;
  readonly inspectors_configuration: string;
  readonly expires_at: string;
  /** JSON of the event that opened the session, where there is a policy document in it. */
  readonly opened: string | null;
  readonly sealed: Buffer | null;
}

/** Compared with when the id is unknown, so that an unknown id takes as long as a wrong token. */
const noDigest = `sha256:${'0'.repeat(64)}`;

/**
 * The sessions that one proxy process lets through; see "Revoking" in docs/explanation/architecture.md. Rejects with
 * `database-unavailable` when the process cannot be registered.
 */
export async function createSessionDirectory(database: Database, options: SessionDirectoryOptions): Promise<ClosableSessionDirectory> {
  const entries = new Map<string, Entry>();
  const loads = new Map<string, Set<Loading>>();
  const acknowledging = new Set<string>();
  const cache = createKnowledgeCache();
  const reader = createKnowledgeReader(database);
  const processId = randomUUID();

  const lease = await keepLease({ url: database.url, processId, processName: options.processName }, { held: () => [...entries.keys()], closed }).catch((error: unknown) => {
    throw asMillraceError(error);
  });

  function closed(sessionIds: readonly string[]): void {
    for (const id of sessionIds) {
      for (const loading of loads.get(id) ?? []) loading.overtaken = true;
      if (acknowledging.has(id)) continue;
      acknowledging.add(id);
      void closeAndAcknowledge(id).finally(() => acknowledging.delete(id));
    }
  }

  async function closeAndAcknowledge(id: string): Promise<void> {
    const session = entries.get(id)?.session;
    if (session !== undefined) await session.close(Date.now() >= session.expiresAt ? 'expired' : 'revoked');
    try {
      await query(database, acknowledge, [id, processId]);
      entries.delete(id);
    } catch {
      // The next renewal names the session again.
    }
  }

  async function authenticate(sessionId: string, token: string): Promise<LiveSession | undefined> {
    if (!isSessionId(sessionId)) return undefined;
    const entry = entries.get(sessionId);
    if (entry !== undefined) {
      const fits = tokenMatches(token, entry.tokenDigest);
      return fits && !entry.session.closed && Date.now() < entry.session.expiresAt ? entry.session : undefined;
    }
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const term = requireLease(lease);
      const loading = beginLoad(loads, sessionId);
      try {
        const row = await loadRow(database, sessionId);
        const fits = tokenMatches(token, row?.token_digest ?? noDigest);
        if (row === undefined || !fits || loading.overtaken || Date.parse(row.expires_at) <= Date.now()) return undefined;
        if (!lease.held() || lease.term !== term) continue;
        return admit(entries, sessionId, { session: liveSession(sessionId, token, row), tokenDigest: row.token_digest });
      } finally {
        endLoad(loads, sessionId, loading);
      }
    }
    throw recordUnavailable();
  }

  function liveSession(id: string, token: string, row: SessionRow): ControlledSession {
    const requested = JSON.parse(row.inspectors_configuration) as InspectorsConfiguration;
    const rules = rulesOf(row.opened);
    return createLiveSession(
      {
        id,
        policy: row.policy,
        ...(rules === undefined ? { configuration: requested } : { rules, configuration: rules.configuration(requested) }),
        secrets: row.sealed === null ? [] : openSecrets(id, token, row.sealed),
        knowledge: createSessionKnowledge(database, id, { cache, reader }),
        expiresAt: Date.parse(row.expires_at),
      },
      () => lease.held(),
    );
  }

  return { processId, authenticate, ready: () => lease.held(), close: () => lease.giveBack() };
}

const acknowledge = `insert into revocation_acks (session_id, process_id)
  select session_id, $2 from revocations where session_id = $1 for share
  on conflict do nothing`;

/** Two connections of one session may have loaded it at once: they share one entry, or a close would miss the other. */
function admit(entries: Map<string, Entry>, sessionId: string, loaded: Entry): LiveSession | undefined {
  const there = entries.get(sessionId);
  if (there !== undefined) return there.session.closed ? undefined : there.session;
  entries.set(sessionId, loaded);
  return loaded.session;
}

/** From what was recorded, not from what the service's document says now. */
function rulesOf(opened: string | null): CompiledPolicy | undefined {
  if (opened === null) return undefined;
  const { policyDocuments = [], openedAt } = JSON.parse(opened) as SessionOpened['data'];
  return policyDocuments.length === 0 ? undefined : compilePolicy(policyDocuments, Date.parse(openedAt));
}

async function loadRow(database: Database, sessionId: string): Promise<SessionRow | undefined> {
  const [row] = await query<SessionRow>(
    database,
    `select s.policy, s.token_digest, s.inspectors_configuration, ${isoUtc('s.expires_at')} as expires_at, k.sealed, e.data as opened
     from sessions s left join session_secrets k on k.session_id = s.id
     left join events e on e.stream_id = $2 and e.position = 1 and e.data like '%"policyDocuments":%' where s.id = $1 and s.state = 'open'`,
    [sessionId, sessionStreamId(sessionId)],
  );
  return row;
}

function requireLease(lease: SessionLease): number {
  if (!lease.held()) throw recordUnavailable();
  return lease.term;
}

function recordUnavailable(): MillraceError {
  return new MillraceError('database-unavailable', 'this proxy process has no lease on the record now');
}

function beginLoad(loads: Map<string, Set<Loading>>, sessionId: string): Loading {
  const loading: Loading = { overtaken: false };
  let set = loads.get(sessionId);
  if (set === undefined) loads.set(sessionId, (set = new Set()));
  set.add(loading);
  return loading;
}

function endLoad(loads: Map<string, Set<Loading>>, sessionId: string, loading: Loading): void {
  const set = loads.get(sessionId);
  set?.delete(loading);
  if (set?.size === 0) loads.delete(sessionId);
}
