import { z } from 'zod';
import { absolutePath, nameSchema, secretSchema } from '../settings-file/common-schemas.js';

/** What it answers is small; a hardware module may want somebody's touch. */
const longestSeconds = 600;

const serviceKey = z.strictObject({ kind: z.enum(['openpgp', 'minisign']), 'secret-key': secretSchema, password: secretSchema.optional() });

const externalKey = z.strictObject({
  kind: z.literal('openpgp'),
  /** What its signatures are checked against before anybody gets them, and what clients are given. */
  'public-key': z.strictObject({ file: absolutePath }),
  /** Started as it is, by no shell. `{mode}`: `--detach-sign` or `--clearsign`. */
  command: z.array(z.string().min(1).max(4096).regex(/^[^\0]*$/, 'must have no NUL')).min(1).max(100),
  /** Names of variables that it gets besides PATH and HOME. */
  environment: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')).max(50).default([]),
  /** Seconds. */
  timeout: z.number().min(0.05).max(longestSeconds).default(30),
});

const keySchema = z.union([serviceKey, externalKey], { error: 'must be kind, secret-key and perhaps password; or kind: openpgp, public-key, command and perhaps environment and timeout' });

/** See docs/how-to/sign-a-repository.md. */
export const signingKeysFile = {
  schema: z.strictObject({ keys: z.record(nameSchema, keySchema).refine((keys) => Object.keys(keys).length <= 200, 'must be at most 200 keys') }),
  variable: 'MILLRACE_REPOSITORY_KEYS',
  page: 'docs/how-to/sign-a-repository.md',
} as const;

export type KeySettings = z.infer<typeof keySchema>;
export type ServiceKeySettings = z.infer<typeof serviceKey>;
export type ExternalKeySettings = z.infer<typeof externalKey>;
