import { z } from 'zod';
import { digestFunctions } from '../../../libs/cache/cache-digest.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import { entryKinds } from '../../../libs/cache/cache-entry.js';
import { nextCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of `/v1/caches`, one source for validation, types and the OpenAPI document. */
const time = z.iso.datetime({ offset: true });
const count = z.int().min(0);
const digest = z.string().describe('`sha256:<hash>/<size>` or `blake3:<hash>/<size>`.');
const kind = z.enum(entryKinds);
const key = z.string().min(1).max(2048);

const usage = z.object({ bytes: count, blobs: count, entries: count, kept: count.describe('Bytes that no eviction may take now.'), exported: count.describe('Bytes that the instance has again as an OSTree repository; they count against its quota, and are not part of `bytes`.') });
const eviction = z.object({ entries: count, blobs: count, bytes: count, dryRun: z.boolean(), by: z.string(), at: time }).meta({ id: 'CacheEviction' });
const verification = z.object({ checked: count, lost: count }).meta({ id: 'CacheVerification' });

const instanceShape = {
  name: z.string(),
  quota: z.object({ high: count, low: count }).describe('Bytes that eviction brings the cache down from, and to.'),
  limit: count.describe('Bytes at which pushes are refused.'),
  lease: count.describe('Seconds that whatever was asked for, found or pushed stays at least.'),
  maximumAge: count.nullable().describe('Seconds without use after which things go; null: never.'),
  blobBytes: count.describe('Bytes that one blob may have.'),
  usage: usage.nullable().describe('Null while the record does not tell.'),
};
export const cacheView = z.object(instanceShape).meta({ id: 'Cache' });
export const cacheList = z.object({ items: z.array(cacheView) }).meta({ id: 'CacheList' });
export const cacheDetail = cacheView
  .extend({
    status: z
      .object({ phase: z.string(), paused: z.boolean(), alarm: z.boolean(), problem: z.string().nullable(), lastEviction: eviction.nullable(), lastVerification: verification.extend({ at: time }).nullable() })
      .nullable()
      .describe('Of the workflow; null while it does not answer.'),
    links: z.object({ self: z.string(), entries: z.string(), workflow: z.string().nullable() }),
  })
  .meta({ id: 'CacheDetail' });

const nameShape = { kind, key, qualifiers: z.record(z.string(), z.string()) };
const origin = z.object({ session: z.string().optional(), build: z.string().optional(), tool: z.string().optional() });
export const listedEntry = z
  .object({ ...nameShape, target: digest.nullable(), valueBytes: count, pushedAt: time, pushedBy: z.string(), usedAt: time, complete: z.boolean().describe('False: something that it needs is not there, and it is a miss.'), session: z.string().nullable(), build: z.string().nullable() })
  .meta({ id: 'CacheEntryItem' });
export const entryPage = z.object({ items: z.array(listedEntry), nextCursor }).meta({ id: 'CacheEntryPage' });
export const entryView = z
  .object({ ...nameShape, target: digest.nullable(), value: z.string().nullable().describe('What lies in the record itself, in base64.'), references: z.array(digest), properties: z.record(z.string(), z.string()), expiresAt: time.nullable(), pushedAt: time, pushedBy: z.string(), origin })
  .meta({ id: 'CacheEntry' });
export const entryHistory = z.object({ ...nameShape, present: z.boolean().describe('Whether it can be pulled now.'), items: z.array(z.object({ type: z.string(), at: time, data: z.looseObject({}) })) }).meta({ id: 'CacheEntryHistory' });
export const evictionReport = eviction;
export const verificationReport = verification;
export const blobView = z.object({ digest }).meta({ id: 'CacheBlob' });

const qualifiers = z
  .string()
  .max(16 * 1024)
  .transform((text, context): Record<string, string> => {
    const parsed = z.record(z.string().min(1).max(256), z.string().max(2048)).safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    context.addIssue({ code: 'custom', message: 'must be a JSON object of texts' });
    return z.NEVER;
  });
export const entryName = z.strictObject({ kind, key, qualifiers: qualifiers.optional().describe('Of assets: a JSON object; the exact set of them belongs to the name.') });
export const entriesQuery = z.strictObject({ limit: pageLimit, cursor: z.string().max(64).optional(), kind: kind.optional(), prefix: key.optional().describe('What their keys begin with.') });
export const evictRequest = z.strictObject({ toBytes: count.optional().describe('Down to so many bytes; the lower quota where it is absent.'), dryRun: z.boolean().default(false) }).meta({ id: 'CacheEvictRequest' });
export const newEntry = z.strictObject({ target: digest.describe('A blob that is in the cache: `sha256:<hash>/<size>`.'), properties: z.record(z.string().max(256), z.string().max(4096)).default({}), build: z.string().min(1).max(500).optional(), session: z.string().regex(/^[\w-]{1,128}$/).optional() }).meta({ id: 'NewCacheEntry' });

const digestPattern = new RegExp(`^(${digestFunctions.join('|')}):([0-9a-f]{64})(?:/(\\d{1,15}))?$`);

/** `<function>:<hash>`, perhaps with `/<size>`. Undefined: it is none. */
export function parseDigest(text: string): (Omit<CacheDigest, 'size'> & { readonly size: number | undefined }) | undefined {
  const [, named, hash, size] = digestPattern.exec(text) ?? [];
  if (named === undefined || hash === undefined) return undefined;
  return { function: named as CacheDigest['function'], hash, size: size === undefined ? undefined : Number(size) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export type CacheView = z.infer<typeof cacheView>;
export type CacheDetail = z.infer<typeof cacheDetail>;
export type EntryPage = z.infer<typeof entryPage>;
export type EntryView = z.infer<typeof entryView>;
export type EntryHistory = z.infer<typeof entryHistory>;
export type EvictionView = z.infer<typeof eviction>;
export type VerificationView = z.infer<typeof verification>;
