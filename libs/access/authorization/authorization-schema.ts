import { z } from 'zod';
import { composeFlags, composeResults, sourceTypes } from '../../compose/compose-vocabulary.js';
import { capabilities } from '../principal.js';
import type { Capability } from '../principal.js';

const name = z.string().min(1).max(500);
const names = z.array(name).max(10_000).default([]);
const people = z.strictObject({ users: names, groups: names });
const nobody = { users: [], groups: [] };

/** `[""]` stands for anything, as in ODCS. */
const anything = '';
const words = z.array(z.string().max(4096)).max(10_000);
const aloneIfAnything = [(list: readonly string[]) => list.length <= 1 || !list.includes(anything), '"" stands for anything, and is then the only item'] as const;
const texts = words.refine(...aloneIfAnything);
const known = (vocabulary: object) =>
  z
    .array(z.enum([...Object.keys(vocabulary), anything], { error: `must be "" or one of: ${Object.keys(vocabulary).join(', ')}` }))
    .refine(...aloneIfAnything);

const attributesSchema = z.strictObject({
  source_types: known(sourceTypes).optional(),
  /** Here the empty text among others is a compose without a source, as of builds alone. */
  sources: words.optional(),
  flags: known(composeFlags).optional(),
  results: known(composeResults).optional(),
  arches: texts.optional(),
  compose_types: texts.optional(),
  target_dirs: texts.optional(),
  raw_config_keys: texts.optional(),
  multilib_arches: texts.optional(),
  lookaside_repos: texts.optional(),
  builds: texts.optional(),
  modular_koji_tags: texts.optional(),
  scratch_modules: texts.optional(),
  scratch_build_tasks: texts.optional(),
});

/** What of composes can be restricted; values that a key does not list are refused. */
export type AllowedAttributes = z.infer<typeof attributesSchema>;
export type ComposeAttribute = keyof AllowedAttributes;
export const composeAttributes = Object.keys(attributesSchema.shape) as readonly ComposeAttribute[];

/** A client without restrictions of its own is written `name:`, with nothing after it. */
const clients = z.record(name, attributesSchema.nullable().transform((attributes) => attributes ?? {})).default({});

const composesSchema = z.strictObject({
  allowed_clients: z.strictObject({ users: clients, groups: clients }).default({ users: {}, groups: {} }),
  admins: people.default(nobody),
  allowed: attributesSchema.default({}),
  /** What the names of OAuth scopes begin with; undefined: tokens need none. */
  scope_base: z.string().min(1).max(500).optional(),
});

const units = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;
const bytes = z.union(
  [
    z.int().min(0),
    z
      .string()
      .regex(/^\d{1,6}(?:\.\d{1,3})? ?[KMGT]iB$/)
      .transform((text) => Math.round(Number.parseFloat(text) * units[text.slice(-3) as keyof typeof units])),
  ],
  { error: 'must be a number of bytes, or a text such as "10 GiB"' },
);
const quotaSchema = z.strictObject({ composes: z.int().min(0).max(1_000_000).optional(), bytes: bytes.optional(), seconds_to_live: z.int().min(1).optional() });
export type QuotaSettings = z.infer<typeof quotaSchema>;

const rolesSchema = z.strictObject({ reader: people.default(nobody), writer: people.default(nobody), admin: people.default(nobody) });
const noRoles = { reader: nobody, writer: nobody, admin: nobody };
const perCapability = Object.fromEntries(capabilities.map((capability) => [capability, rolesSchema.default(noRoles)])) as Record<Capability, z.ZodDefault<typeof rolesSchema>>;

/** `public`: for everybody; `reader`: for those with that role. */
const audience = z.enum(['public', 'reader']).default('public');

/** See docs/reference/access.md. */
export const authorizationSchema = z.strictObject({
  composes: composesSchema.prefault({}),
  roles: z.strictObject(perCapability).prefault({}),
  reads: z.strictObject({ composes: audience, repositories: audience, metrics: audience, status: audience }).prefault({}),
  quotas: z.strictObject({ default: quotaSchema.default({}), users: z.record(name, quotaSchema).default({}), groups: z.record(name, quotaSchema).default({}) }).prefault({}),
});

export type AuthorizationSettings = z.infer<typeof authorizationSchema>;
export type PublicRead = keyof AuthorizationSettings['reads'];
