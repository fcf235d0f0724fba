import { z } from 'zod';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient } from './control-client.js';

/** What the command line uses of `/v1/compose-names`; keys that it does not know pass through to `--json`. */
const nameSchema = z.looseObject({ name: z.string(), composeId: z.int(), since: z.string(), by: z.string(), links: z.looseObject({ files: z.string(), repoFile: z.string() }) });
const pageSchema = z.looseObject({ items: z.array(nameSchema), nextCursor: z.string().nullable() });
const historySchema = z.looseObject({ items: z.array(z.looseObject({ composeId: z.int(), since: z.string(), by: z.string(), kind: z.string() })) });

export type ComposeNameView = z.infer<typeof nameSchema>;
export type ComposeNamePage = z.infer<typeof pageSchema>;
export type ComposeNameHistory = z.infer<typeof historySchema>['items'];

const root = '/v1/compose-names';
const placeOf = (name: string): string => `${root}/${encodeURIComponent(name)}`;

export async function listNames(client: ControlClient, query: Readonly<Record<string, string | undefined>>): Promise<ComposeNamePage> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return parse(pageSchema, await client.json({ method: 'GET', path: `${root}${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}` }));
}

export async function findName(client: ControlClient, name: string): Promise<ComposeNameView> {
  return parse(nameSchema, await client.json({ method: 'GET', path: placeOf(name) }));
}

/** Newest first. */
export async function nameHistory(client: ControlClient, name: string): Promise<ComposeNameHistory> {
  return parse(historySchema, await client.json({ method: 'GET', path: `${placeOf(name)}/history?limit=20` })).items;
}

export async function setName(client: ControlClient, name: string, body: { readonly composeId: number; readonly force?: true }): Promise<ComposeNameView> {
  return parse(nameSchema, await client.json({ method: 'PUT', path: placeOf(name), body }));
}

export async function rollBackName(client: ControlClient, name: string, to: number | undefined): Promise<ComposeNameView> {
  return parse(nameSchema, await client.json({ method: 'POST', path: `${placeOf(name)}/rollback`, body: to === undefined ? {} : { to } }));
}

export async function removeName(client: ControlClient, name: string): Promise<void> {
  await client.text({ method: 'DELETE', path: placeOf(name) });
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', `the service's answer is not a compose name: ${errorMessage(parsed.error).slice(0, 300)}`, { cause: parsed.error, suggestion: 'Is the service as new as this program?' });
}
