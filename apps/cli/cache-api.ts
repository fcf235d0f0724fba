import { z } from 'zod';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient, ControlRequest } from './control-client.js';
import { search, type Query } from './repository-api.js';

/** What the command line uses of `/v1/caches`; keys that it does not know pass through to `--json`. */
const count = z.int();
const usageSchema = z.looseObject({ bytes: count, blobs: count, entries: count, kept: count, exported: count.default(0) });
const evictionSchema = z.looseObject({ entries: count, blobs: count, bytes: count, dryRun: z.boolean(), by: z.string(), at: z.string() });
const verificationSchema = z.looseObject({ checked: count, lost: count });
const cacheSchema = z.looseObject({
  name: z.string(),
  quota: z.looseObject({ high: count, low: count }),
  limit: count,
  lease: count,
  maximumAge: count.nullable(),
  usage: usageSchema.nullable(),
  status: z
    .looseObject({ phase: z.string(), paused: z.boolean(), alarm: z.boolean(), problem: z.string().nullable(), lastEviction: evictionSchema.nullable(), lastVerification: verificationSchema.extend({ at: z.string() }).nullable() })
    .nullish(),
});
const listSchema = z.looseObject({ items: z.array(cacheSchema) });
const itemSchema = z.looseObject({ kind: z.string(), key: z.string(), qualifiers: z.record(z.string(), z.string()), target: z.string().nullable(), valueBytes: count, pushedAt: z.string(), pushedBy: z.string(), usedAt: z.string(), complete: z.boolean() });
const pageSchema = z.looseObject({ items: z.array(itemSchema), nextCursor: z.string().nullable() });
const entrySchema = z.looseObject({ kind: z.string(), key: z.string(), target: z.string().nullable(), value: z.string().nullable(), pushedAt: z.string(), pushedBy: z.string() });
const historySchema = z.looseObject({ kind: z.string(), key: z.string(), present: z.boolean(), items: z.array(z.looseObject({ type: z.string(), at: z.string(), data: z.looseObject({}) })) });
const blobSchema = z.looseObject({ digest: z.string() });

export type CacheView = z.infer<typeof cacheSchema>;
export type EntryItem = z.infer<typeof itemSchema>;
export type EntryPageView = z.infer<typeof pageSchema>;
export type EntryView = z.infer<typeof entrySchema>;
export type HistoryView = z.infer<typeof historySchema>;
export type EvictionView = z.infer<typeof evictionSchema>;
export type VerificationView = z.infer<typeof verificationSchema>;

/** An entry as its client names it. */
export interface AskedEntry {
  readonly kind: string;
  readonly key: string;
  /** JSON. */
  readonly qualifiers?: string | undefined;
}

/** Milliseconds: a whole cache is looked through. */
const longest = 20 * 60_000;
const root = '/v1/caches';
export const placeOf = (instance: string): string => `${root}/${encodeURIComponent(instance)}`;
export const blobPlace = (instance: string, digest: string): string => `${placeOf(instance)}/blobs/${encodeURIComponent(digest)}`;

export const listCaches = (client: ControlClient): Promise<z.infer<typeof listSchema>> => ask(client, { method: 'GET', path: root }, listSchema);
export const findCache = (client: ControlClient, instance: string): Promise<CacheView> => ask(client, { method: 'GET', path: placeOf(instance) }, cacheSchema);
export const listEntries = (client: ControlClient, instance: string, query: Query): Promise<EntryPageView> => ask(client, { method: 'GET', path: `${placeOf(instance)}/entries${search(query)}` }, pageSchema);
export const findEntry = (client: ControlClient, instance: string, entry: AskedEntry): Promise<EntryView> => ask(client, { method: 'GET', path: `${placeOf(instance)}/entry${search({ ...entry })}` }, entrySchema);
export const putEntry = (client: ControlClient, instance: string, { body, ...entry }: AskedEntry & { readonly body: object }): Promise<EntryView> => ask(client, { method: 'PUT', path: `${placeOf(instance)}/entry${search(entry)}`, body }, entrySchema);
export const findHistory = (client: ControlClient, instance: string, entry: AskedEntry): Promise<HistoryView> => ask(client, { method: 'GET', path: `${placeOf(instance)}/why${search({ ...entry })}` }, historySchema);
export const evict = (client: ControlClient, instance: string, body: object): Promise<EvictionView> => ask(client, { method: 'POST', path: `${placeOf(instance)}/evict`, body, timeout: longest }, evictionSchema);
export const verify = (client: ControlClient, instance: string): Promise<VerificationView> => ask(client, { method: 'POST', path: `${placeOf(instance)}/verify`, body: {}, timeout: longest }, verificationSchema);
export const parseBlob = (value: unknown): z.infer<typeof blobSchema> => parse(blobSchema, value);

export async function removeEntry(client: ControlClient, instance: string, entry: AskedEntry): Promise<void> {
  await client.text({ method: 'DELETE', path: `${placeOf(instance)}/entry${search({ ...entry })}` });
}

export async function tellEviction(client: ControlClient, instance: string, what: 'pause' | 'resume'): Promise<void> {
  await client.text({ method: 'POST', path: `${placeOf(instance)}/${what}` });
}

async function ask<Schema extends z.ZodType>(client: ControlClient, request: ControlRequest, schema: Schema): Promise<z.infer<Schema>> {
  return parse(schema, await client.json(request));
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', `the service's answer is not about a cache: ${errorMessage(parsed.error).slice(0, 300)}`, { cause: parsed.error, suggestion: 'Is the service as new as this program?' });
}
