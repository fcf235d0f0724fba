import { z } from 'zod';
import { composeStates, sourceTypes } from '../../libs/compose/compose-vocabulary.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient } from './control-client.js';

/** What the command line uses of `/api/1`; keys that it does not know pass through to `--json`. */
const composeSchema = z.looseObject({
  id: z.int(),
  owner: z.string(),
  source_type: z.int(),
  source: z.string(),
  state_name: z.enum(Object.keys(composeStates) as [keyof typeof composeStates, ...(keyof typeof composeStates)[]]),
  state_reason: z.string().nullable(),
  time_submitted: z.string(),
  time_to_expire: z.string(),
  packages: z.string().nullable(),
  arches: z.string(),
  result_repofile: z.string(),
  toplevel_url: z.string(),
});
const pageSchema = z.looseObject({ items: z.array(composeSchema), meta: z.looseObject({ page: z.int(), pages: z.int(), total: z.int() }) });
const deletedSchema = z.looseObject({ message: z.string() });
const queueSchema = z.looseObject({ state: z.string(), queuePosition: z.int().nullable(), reusedId: z.int().nullish(), attempts: z.int().nullish() });

export type ComposeView = z.infer<typeof composeSchema>;
export type ComposePage = z.infer<typeof pageSchema>;
export type QueueView = z.infer<typeof queueSchema>;

/** Body of `POST /api/1/composes/`. */
export interface NewCompose {
  readonly source: { readonly type: string; readonly source?: string; readonly packages?: readonly string[]; readonly sigkeys?: readonly string[] };
  readonly [field: string]: unknown;
}

const root = '/api/1/composes/';
/** Milliseconds: a request that is to wait, and some for the way. */
const waitSeconds = 30;
const waitTimeout = (waitSeconds + 15) * 1000;

export async function createCompose(client: ControlClient, body: NewCompose, idempotencyKey: string | undefined): Promise<ComposeView> {
  const header = idempotencyKey === undefined ? {} : { header: { 'idempotency-key': idempotencyKey } };
  return parse(composeSchema, await client.json({ method: 'POST', path: root, body, ...header }));
}

export async function findCompose(client: ControlClient, id: number): Promise<ComposeView> {
  return parse(composeSchema, await client.json({ method: 'GET', path: `${root}${id}` }));
}

/** Answers when the compose has another state, and after half a minute. */
export async function awaitCompose(client: ControlClient, id: number, signal: AbortSignal): Promise<ComposeView> {
  return parse(composeSchema, await client.json({ method: 'GET', path: `${root}${id}?wait=${waitSeconds}`, timeout: waitTimeout, signal }));
}

export async function findQueuePosition(client: ControlClient, id: number): Promise<QueueView> {
  return parse(queueSchema, await client.json({ method: 'GET', path: `/v1/composes/${id}` }));
}

export async function listComposes(client: ControlClient, query: Readonly<Record<string, string | undefined>>): Promise<ComposePage> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return parse(pageSchema, await client.json({ method: 'GET', path: `${root}${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}` }));
}

export async function renewCompose(client: ControlClient, id: number, body: object, idempotencyKey: string | undefined): Promise<ComposeView> {
  const header = idempotencyKey === undefined ? {} : { header: { 'idempotency-key': idempotencyKey } };
  return parse(composeSchema, await client.json({ method: 'PATCH', path: `${root}${id}`, body, ...header }));
}

/** Resolves to what the service says of it. */
export async function deleteCompose(client: ControlClient, id: number): Promise<string> {
  return parse(deletedSchema, await client.json({ method: 'DELETE', path: `${root}${id}` })).message;
}

export function hasEnded({ state_name }: Pick<ComposeView, 'state_name'>): boolean {
  return state_name !== 'wait' && state_name !== 'generating';
}

export function sourceTypeName(number: number): string {
  return Object.entries(sourceTypes).find(([, value]) => value === number)?.[0] ?? String(number);
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', `the service's answer is not a compose: ${errorMessage(parsed.error).slice(0, 300)}`, { cause: parsed.error, suggestion: 'Is the service as new as this program?' });
}
