import { z } from 'zod';
import { secretSchema, tlsSchema, urlSchema } from '../settings-file/common-schemas.js';

/** Pulp keeps labels under words, and values without these. */
const label = z.string().regex(/^[A-Za-z0-9_]{1,200}$/, 'must be the key of a label: letters, digits and "_"');
const segment = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be a plain name');
const serverUrl = (example: string) =>
  urlSchema(/^https?:$/, example)
    .refine((value) => !/[?#]/.test(value), 'must have neither a query nor a fragment')
    .transform((value) => value.replace(/\/+$/, ''));

const common = {
  url: serverUrl('https://pulp.example'),
  /** Where clients read the repositories from, when Pulp does not know it itself. */
  'content-url': serverUrl('https://pulp.example/pulp/content').optional(),
  tls: tlsSchema.optional(),
  username: z.string().regex(/^[^:\0-\x1f\x7f]{1,200}$/, 'must be a user name without ":"').optional(),
  password: secretSchema.optional(),
};

const pulp2Schema = z.strictObject({ version: z.literal(2), ...common });

const pulp3Schema = z.strictObject({
  version: z.literal(3),
  ...common,
  /** `API_ROOT` of that Pulp. */
  'api-root': z.string().regex(/^\/([A-Za-z0-9._-]+\/)*$/, 'must be a path with a slash at both ends').default('/pulp/'),
  /** Only where that Pulp has domains enabled. */
  domain: segment.optional(),
  /** What carries the labels. */
  'labels-on': z.enum(['distributions', 'repositories']).default('distributions'),
  'content-set-label': label.default('content_set'),
  'arch-label': label.default('arch'),
  'signatures-label': label.default('signatures'),
});

const pulpSettingsSchema = z
  .discriminatedUnion('version', [pulp2Schema, pulp3Schema])
  .refine(({ username, password }) => (username === undefined) === (password === undefined), 'username and password belong together')
  .refine(({ url, tls }) => tls === undefined || url.startsWith('https:'), 'tls needs an https URL');

/** See docs/reference/compose-pulp.md. */
export const pulpSettingsFile = { schema: pulpSettingsSchema, variable: 'MILLRACE_PULP', page: 'docs/reference/compose-pulp.md' } as const;

export type PulpSettings = z.infer<typeof pulpSettingsSchema>;
export type Pulp2Settings = Extract<PulpSettings, { version: 2 }>;
export type Pulp3Settings = Extract<PulpSettings, { version: 3 }>;
