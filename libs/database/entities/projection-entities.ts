import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** Projection: one row a session; a live total of what its stream says. */
export const SessionRow = defineEntity({
  name: 'SessionRow',
  tableName: 'sessions',
  properties: {
    id: p.text().primary(),
    state: p.text().$type<'open' | 'revoked' | 'ended' | 'expired'>(),
    policy: p.text().$type<'strict' | 'permissive'>(),
    owner: p.text(),
    retain: p.boolean(),
    openedAt: instant(),
    expiresAt: instant(),
    timeoutSeconds: p.integer(),
    revokedAt: instant().nullable(),
    endedAt: instant().nullable(),
    /** `sha256:<hex>`. */
    tokenDigest: p.text(),
    /** JSON. */
    inspectorsConfiguration: p.text(),
    /** Position of the last event counted. */
    position: p.bigint('number'),
    downloads: p.bigint('number').default(0),
    refused: p.bigint('number').default(0),
    failed: p.bigint('number').default(0),
    bytes: p.bigint('number').default(0),
    violations: p.bigint('number').default(0),
  },
  indexes: [
    { name: 'sessions_opened', properties: ['openedAt', 'id'] },
    { name: 'sessions_state', properties: ['state', 'openedAt'] },
  ],
});

/** Projection: one row a session and sha256 of its 200 responses. */
export const ArtefactRow = defineEntity({
  name: 'ArtefactRow',
  tableName: 'artefacts',
  properties: {
    sessionId: p.text().primary(),
    sha256: p.text().primary(),
    sha1: p.text(),
    size: p.bigint('number'),
    firstPosition: p.bigint('number'),
    lastPosition: p.bigint('number'),
    downloads: p.bigint('number'),
    type: p.text(),
    name: p.text(),
    version: p.text(),
    purl: p.text().nullable(),
    /** Rejected as soon as one of its downloads was. */
    verdict: p.text().$type<'Approved' | 'Rejected'>(),
    kept: p.boolean(),
  },
  indexes: [{ name: 'artefacts_sha256', properties: ['sha256'] }],
});

/** Projection: one row a traffic event; the event has the headers and inspections. */
export const DownloadRow = defineEntity({
  name: 'DownloadRow',
  tableName: 'downloads',
  properties: {
    sessionId: p.text().primary(),
    position: p.bigint('number').primary(),
    eventType: p.text().$type<'ArtefactDownloaded' | 'RequestRefused' | 'DownloadFailed'>(),
    exchangeId: p.uuid(),
    startedAt: instant(),
    endedAt: instant(),
    method: p.text(),
    url: p.text(),
    /** What upstream answered, or what the build was answered when refused; null when there was no answer. */
    status: p.integer().nullable(),
    contentType: p.text().nullable(),
    sha256: p.text().nullable(),
    size: p.bigint('number').nullable(),
    verdict: p.text().$type<'Approved' | 'Rejected'>().nullable(),
    delivered: p.boolean(),
    /** Rule of a refusal or stage of a failure. */
    cause: p.text().nullable(),
    reason: p.text().nullable(),
  },
});
