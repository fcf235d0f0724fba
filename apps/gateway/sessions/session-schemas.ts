import { z } from 'zod';
import { openSession } from '../session-control/session-control-schemas.js';
import { nextCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of `/v1/sessions`, one source for validation, types and the OpenAPI document. */
const time = z.iso.datetime({ offset: true });
const state = z.enum(['open', 'revoked', 'ended', 'expired']).meta({ id: 'SessionState' });
const policy = z.enum(['strict', 'permissive']).meta({ id: 'SessionPolicy' });
const cursor = z.string().min(1).max(512).describe('`nextCursor` of the page before; opaque.');
const count = z.int().min(0);

const sessionTotals = z
  .object({
    downloads: count,
    refused: count.describe('Requests that never went upstream.'),
    failed: count.describe('Requests whose response did not arrive whole.'),
    bytes: count.describe('Body bytes of all downloads.'),
    violations: count.describe('Downloads that strict refuses.'),
    position: count.describe('Position of the last event counted.'),
  })
  .meta({ id: 'SessionTotals' });

const sessionLinks = z
  .object({
    self: z.string(),
    downloads: z.string(),
    report: z.string(),
    env: z.string(),
    workflow: z.string().nullable().describe('The session in the Temporal UI; null when its address is not known.'),
  })
  .meta({ id: 'SessionLinks' });

export const session = z
  .object({
    id: z.string(),
    state,
    policy,
    owner: z.string(),
    openedAt: time,
    expiresAt: time,
    revokedAt: time.nullable(),
    endedAt: time.nullable(),
    timeoutSeconds: count,
    retain: z.boolean(),
    totals: sessionTotals,
    links: sessionLinks,
  })
  .meta({ id: 'Session' });

export const createdSession = z
  .object({
    id: z.string(),
    token: z.string().describe('Shown this once; the service stores only its digest.'),
    proxyUrl: z.string().describe('Proxy address with the credentials of the session in it: a secret.'),
    policy,
    openedAt: time,
    expiresAt: time,
    links: sessionLinks,
  })
  .meta({ id: 'CreatedSession' });

export const createSession = openSession;

const download = z
  .object({
    position: z.int().min(1),
    kind: z.enum(['downloaded', 'refused', 'failed']),
    startedAt: time,
    endedAt: time,
    method: z.string(),
    url: z.string(),
    status: z.int().nullable().describe('Null when no response head arrived.'),
    sha256: z.string().nullable(),
    size: count.describe('Body bytes.'),
    type: z.string(),
    name: z.string(),
    version: z.string(),
    verdict: z.enum(['Approved', 'Rejected']).nullable(),
    reason: z.string().describe('Why it was refused or failed.'),
  })
  .meta({ id: 'Download' });

const cacheEntry = z
  .object({
    instance: z.string(),
    kind: z.string(),
    key: z.string(),
    qualifiers: z.record(z.string(), z.string()),
    how: z.enum(['pulled', 'pushed']).describe('`pushed` also of what it pulled besides.'),
    at: time,
    target: z.string().nullable().describe('`<function>:<hash>/<size>` of what the key led to; null where the entry is a value only.'),
  })
  .meta({ id: 'SessionCacheEntry' });

export const cacheEntryPage = z.object({ items: z.array(cacheEntry), nextCursor }).meta({ id: 'SessionCacheEntryPage' });
export const sessionPage = z.object({ items: z.array(session), nextCursor }).meta({ id: 'SessionPage' });
export const downloadPage = z.object({ items: z.array(download), nextCursor }).meta({ id: 'DownloadPage' });

export const sessionQuery = z.strictObject({
  state: state.optional(),
  policy: policy.optional(),
  owner: z.string().min(1).max(256).optional(),
  'opened-after': time.optional().describe('RFC 3339, exclusive.'),
  'opened-before': time.optional().describe('RFC 3339, exclusive.'),
  limit: pageLimit,
  cursor: cursor.optional(),
});

export const downloadQuery = z.strictObject({ limit: pageLimit, cursor: cursor.optional() });
export const environmentQuery = z.strictObject({
  shell: z.enum(['sh', 'fish', 'powershell', 'json']).default('sh'),
  'ca-file': z.string().max(1024).regex(/^(\/|[A-Za-z]:\\)[\x20-\x7e]*$/, 'must be an absolute path').optional().describe('Where the build machine keeps the certificate of the authority (PEM); absent: files on the machine of the service.'),
});

export const policyCheckRequest = z
  .strictObject({ 'policy-document': z.union([z.string(), z.record(z.string(), z.unknown())]).describe('An object, or its text in YAML or JSON; docs/reference/policy.schema.json.') })
  .meta({ id: 'PolicyCheckRequest' });

const checkedExchange = z
  .object({
    position: z.int().min(1),
    stage: z.enum(['request', 'artefact']).describe('Stopped before it went upstream, or when the artefact was there.'),
    byPolicy: z.boolean().describe('The document refuses it; else the inspectors alone do.'),
    method: z.string(),
    url: z.string(),
    type: z.string(),
    name: z.string(),
    version: z.string(),
    purl: z.string(),
    sha256: z.string().nullable(),
    reason: z.string(),
  })
  .meta({ id: 'CheckedExchange' });

export const policyCheck = z
  .object({
    sessionId: z.string(),
    policySha256: z.string(),
    position: count.describe('Position of the last event that was looked at.'),
    judged: count,
    refusedByPolicy: count,
    refusedCount: count,
    undecidedCount: count,
    refused: z.array(checkedExchange).describe('At most 5000; `refusedCount` is exact.'),
    undecided: z.array(checkedExchange).describe('Whose digest the record does not hold. At most 5000.'),
  })
  .meta({ id: 'PolicyCheck' });

export const revokedSession = z.object({ id: z.string(), openedAt: time, revokedAt: time, links: sessionLinks }).meta({ id: 'RevokedSession' });

export type Session = z.infer<typeof session>;
export type SessionLinks = z.infer<typeof sessionLinks>;
export type CreatedSession = z.infer<typeof createdSession>;
export type SessionPage = z.infer<typeof sessionPage>;
export type DownloadPage = z.infer<typeof downloadPage>;
export type CacheEntryPage = z.infer<typeof cacheEntryPage>;
export type PolicyCheck = z.infer<typeof policyCheck>;
export type RevokedSession = z.infer<typeof revokedSession>;
