import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { SessionPolicy } from '../../libs/policy/session-policy.js';
import type { ControlClient } from './control-client.js';

/** What the command line uses of `/v1/sessions`; keys that it does not know pass through to `--json`. */
const linksSchema = z.looseObject({ workflow: z.string().nullable() });
const totalsSchema = z.looseObject({ downloads: z.number(), refused: z.number(), failed: z.number(), bytes: z.number(), violations: z.number() });

const createdSchema = z.looseObject({
  id: z.string().regex(/^[a-z0-9]{1,64}$/),
  token: z.string(),
  proxyUrl: z.url(),
  policy: z.string(),
  expiresAt: z.string(),
  links: linksSchema,
});
const sessionSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  policy: z.string(),
  owner: z.string(),
  openedAt: z.string(),
  expiresAt: z.string(),
  totals: totalsSchema,
  links: linksSchema,
});
const downloadSchema = z.looseObject({
  position: z.number(),
  kind: z.enum(['downloaded', 'refused', 'failed']),
  method: z.string(),
  url: z.string(),
  status: z.number().nullable(),
  sha256: z.string().nullable(),
  size: z.number(),
  type: z.string(),
  name: z.string(),
  version: z.string(),
  verdict: z.enum(['Approved', 'Rejected']).nullable(),
  reason: z.string(),
});
const checkedExchangeSchema = z.looseObject({
  stage: z.enum(['request', 'artefact']),
  byPolicy: z.boolean(),
  method: z.string(),
  url: z.string(),
  name: z.string(),
  version: z.string(),
  reason: z.string(),
});
const policyCheckSchema = z.looseObject({
  judged: z.number(),
  refusedByPolicy: z.number(),
  refusedCount: z.number(),
  undecidedCount: z.number(),
  refused: z.array(checkedExchangeSchema),
  undecided: z.array(checkedExchangeSchema),
});
const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), nextCursor: z.string().nullable() });
const sessionPageSchema = pageOf(sessionSchema);
const downloadPageSchema = pageOf(downloadSchema);

export type CreatedSession = z.infer<typeof createdSchema>;
export type Session = z.infer<typeof sessionSchema>;
export type Download = z.infer<typeof downloadSchema>;
export type CheckedExchange = z.infer<typeof checkedExchangeSchema>;
export type PolicyCheck = z.infer<typeof policyCheckSchema>;
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface NewSession {
  readonly policy: SessionPolicy;
  /** Seconds; absent: the service's default. */
  readonly timeout?: number;
  readonly retain?: boolean;
  /** Text of a policy document. */
  readonly 'policy-document'?: string;
  readonly 'inspectors-configuration'?: object;
}

export type Shell = 'sh' | 'fish' | 'powershell' | 'json';

/** A report of a thousand downloads is megabytes long. */
const reportTimeout = 120_000;

export async function createSession(client: ControlClient, session: NewSession): Promise<CreatedSession> {
  return parsed(createdSchema, await client.json({ method: 'POST', path: '/v1/sessions', body: session }));
}

export async function listSessions(client: ControlClient, query: Readonly<Record<string, string | undefined>>): Promise<Page<Session>> {
  return parsed(sessionPageSchema, await client.json({ method: 'GET', path: `/v1/sessions${queryString(query)}` }));
}

export async function findSession(client: ControlClient, id: string): Promise<Session> {
  return parsed(sessionSchema, await client.json({ method: 'GET', path: sessionPath(id) }));
}

/** Every exchange of the session, all pages. */
export async function readDownloads(client: ControlClient, id: string): Promise<readonly Download[]> {
  const downloads: Download[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<Download> = parsed(
      downloadPageSchema,
      await client.json({ method: 'GET', path: `${sessionPath(id)}/downloads${queryString({ limit: '500', cursor })}` }),
    );
    downloads.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return downloads;
}

/** What strict with this document would have refused of a session. */
export async function checkPolicy(client: ControlClient, id: string, policyDocument: string): Promise<PolicyCheck> {
  return parsed(policyCheckSchema, await client.json({ method: 'POST', path: `${sessionPath(id)}/policy-check`, body: { 'policy-document': policyDocument } }));
}

export async function revokeSession(client: ControlClient, id: string): Promise<unknown> {
  return client.json({ method: 'POST', path: `${sessionPath(id)}/revoke` });
}

/** The report as it came, byte for byte. */
export async function readReport(client: ControlClient, id: string): Promise<string> {
  return client.text({ method: 'GET', path: `${sessionPath(id)}/report`, timeout: reportTimeout });
}

export async function endSession(client: ControlClient, id: string): Promise<void> {
  await client.text({ method: 'DELETE', path: sessionPath(id) });
}

export async function readEnvironment(client: ControlClient, id: string, options: { readonly token: string; readonly shell: Shell }): Promise<string> {
  return client.text({
    method: 'GET',
    path: `${sessionPath(id)}/env${queryString({ shell: options.shell })}`,
    header: { 'millrace-session-token': options.token },
  });
}

/** PEM of the authority that signs for intercepted hosts. */
export async function readAuthority(client: ControlClient): Promise<string> {
  const pem = await client.text({ method: 'GET', path: '/v1/ca.pem' });
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new MillraceError('internal', 'the service answered no certificate at /v1/ca.pem');
  return pem;
}

function sessionPath(id: string): string {
  if (!/^[a-z0-9]{1,64}$/.test(id)) {
    throw new MillraceError('invalid-request', `${JSON.stringify(id)} is not a session id`, { suggestion: 'millrace session list shows the ids.' });
  }
  return `/v1/sessions/${id}`;
}

function queryString(values: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString();
  return query === '' ? '' : `?${query}`;
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new MillraceError('internal', `the service's answer has an unexpected shape: ${z.prettifyError(result.error)}`, {
      suggestion: 'Are the command and the service of the same version?',
    });
  return result.data;
}
