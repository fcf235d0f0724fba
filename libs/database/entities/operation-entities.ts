import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** Credentials to inject, sealed under a key that is derived from the token; deleted at revocation. */
export const SessionSecretsRow = defineEntity({
  name: 'SessionSecretsRow',
  tableName: 'session_secrets',
  properties: {
    sessionId: p.text().primary(),
    /** nonce (12) | tag (16) | ciphertext. */
    sealed: p.blob(),
  },
});

/** What earlier responses of a session declared about later ones. */
export const SessionKnowledgeRow = defineEntity({
  name: 'SessionKnowledgeRow',
  tableName: 'session_knowledge',
  properties: {
    sessionId: p.text().primary(),
    /** SHA-256 of the key: keys hold URLs, and those are longer than an index entry may be. */
    keyDigest: p.text().primary(),
    /** SHA-256 of the value, so that a reader who has it already is not sent it again. */
    digest: p.text(),
    value: p.blob(),
  },
});

/** Lease of a proxy process, by the database's clock. */
export const ProxyProcess = defineEntity({
  name: 'ProxyProcess',
  tableName: 'proxy_processes',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    startedAt: instant().defaultRaw('now()'),
    leaseUntil: instant(),
  },
});

/** A close that proxies have to acknowledge; exists from the closing event until the stream is sealed. */
export const Revocation = defineEntity({
  name: 'Revocation',
  tableName: 'revocations',
  properties: {
    sessionId: p.text().primary(),
    requestedAt: instant().defaultRaw('now()'),
  },
});

export const RevocationAck = defineEntity({
  name: 'RevocationAck',
  tableName: 'revocation_acks',
  properties: {
    sessionId: p.text().primary(),
    processId: p.uuid().primary(),
    acknowledgedAt: instant().defaultRaw('now()'),
  },
});

/** A message that the workflow engine has to get although it was away when the fact was recorded. */
export const OutboxMessage = defineEntity({
  name: 'OutboxMessage',
  tableName: 'outbox',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    sessionId: p.text(),
    kind: p.text().$type<'start' | 'revoked' | 'ended' | 'expired'>(),
    /** JSON, without secrets. */
    payload: p.text(),
    createdAt: instant().defaultRaw('now()'),
    /** Not to be taken before: the time of creation, or the end of a claim. */
    dueAt: instant().defaultRaw('now()'),
    attempts: p.integer().default(0),
  },
  uniques: [{ name: 'outbox_session_kind', properties: ['sessionId', 'kind'] }],
  indexes: [{ name: 'outbox_due', properties: ['dueAt'] }],
});

/** How far the workflow of a session knows its traffic. */
export const TrafficNotification = defineEntity({
  name: 'TrafficNotification',
  tableName: 'traffic_notifications',
  properties: {
    sessionId: p.text().primary(),
    notifiedPosition: p.bigint('number').default(0),
    /** Not to be told again before. */
    dueAt: instant().defaultRaw('now()'),
    notifications: p.integer().default(0),
  },
  indexes: [{ name: 'traffic_notifications_due', properties: ['dueAt'] }],
});

/**
 * Ids that were closed and deleted, as SHA-256, so that a late `open` of the same id (a workflow that starts after the session
 * has ended) does not bring a dead token back to life, and a repeated `end` gets its answer. Holds nothing of the session; rows go after 30 days.
 */
export const ClosedSession = defineEntity({
  name: 'ClosedSession',
  tableName: 'closed_sessions',
  properties: {
    idDigest: p.text().primary(),
    closedAt: instant(),
  },
  indexes: [{ name: 'closed_sessions_closed', properties: ['closedAt'] }],
});

/** Figures that outlive the rows they count: `sessions-opened`. */
export const Counter = defineEntity({
  name: 'Counter',
  tableName: 'counters',
  properties: {
    name: p.text().primary(),
    value: p.bigint('number').default(0),
  },
});
