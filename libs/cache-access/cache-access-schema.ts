import { z } from 'zod';
import { entryKinds } from '../cache/cache-entry.js';
import { isUsableGlob } from '../policy/glob.js';
import { nameSchema } from '../settings-file/common-schemas.js';

const name = z.string().min(1).max(512);
const names = z.array(name).max(10_000).default([]);

/** Of a key's beginning. One that ends within a word would also fit the next project whose name begins alike. */
const prefix = z
  .string()
  .min(1)
  .max(2048)
  .regex(/[^\p{L}\p{N}]$/u, 'must end with a mark such as "/" or ":", or it would also fit longer names that begin so');

const pattern = z.string().refine(isUsableGlob, 'must be a pattern of 1 to 2048 characters with at most 64 wildcards');

/** Identity tokens of an issuer under `login.issuers`, by their claims: all of these must fit. */
const claimsSchema = z.strictObject({
  issuer: nameSchema,
  match: z.record(z.string().min(1).max(200), pattern).refine((claims) => Object.keys(claims).length > 0, 'needs at least one claim: an issuer vouches for everybody who builds there'),
});

const people = {
  /** Names and groups of Millrace's own ways to log in: docs/reference/access.md. */
  users: names,
  groups: names,
  /** Of client certificates: RFC 4514, most specific part first. */
  subjects: names,
  'ssh-keys': z.array(z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be a fingerprint as ssh-keygen -l shows it: SHA256:…')).max(10_000).default([]),
  /** Names under `login.tokens`. */
  tokens: z.array(nameSchema).max(10_000).default([]),
  claims: z.array(claimsSchema).max(1000).default([]),
  /** Fetch sessions, by who has opened them; `*`: all. */
  sessions: names,
};

type People = { readonly [Key in keyof typeof people]: z.infer<(typeof people)[Key]> };
const namesSomebody = (grant: People): boolean => Object.keys(people).some((key) => grant[key as keyof People].length > 0);
const nobody = 'names nobody: users, groups, subjects, ssh-keys, tokens, claims or sessions is needed';

const peopleSchema = z.strictObject(people).refine(namesSomebody, nobody);
export type CachePeople = z.infer<typeof peopleSchema>;

const grantSchema = z
  .strictObject({
    ...people,
    /** Undefined: entries of every kind. */
    kinds: z.array(z.enum(entryKinds)).min(1).optional(),
    /** Undefined: entries with any key. */
    prefixes: z.array(prefix).min(1).max(1000).optional(),
  })
  .refine(namesSomebody, nobody);
export type CacheGrant = z.infer<typeof grantSchema>;

const peopleList = z.array(peopleSchema).max(1000);

/** `access` of one instance in the file of MILLRACE_CACHE; see docs/reference/artifact-cache-access.md. */
export const instanceAccessSchema = z.strictObject({
  /** `known`: whoever has shown who they are; a list: these, and whoever may push. */
  pull: z.union([z.enum(['anonymous', 'known']), peopleList], { error: 'must be anonymous, known, or a list of people' }).default('anonymous'),
  push: z.array(grantSchema).max(1000).default([]),
  /** May also evict, pause and remove. */
  admin: peopleList.default([]),
  /** Of one caller, in one process; without credentials: of one address. */
  rates: z.strictObject({ 'requests-per-minute': z.int().min(1).max(100_000_000).optional(), 'pushed-bytes-per-minute': z.int().min(1).optional() }).prefault({}),
});

export type InstanceAccess = z.infer<typeof instanceAccessSchema>;
