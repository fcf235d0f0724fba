import path from 'node:path';
import { z } from 'zod';
import { absolutePath, secretSchema, urlSchema, type SecretPlace } from '../settings-file/common-schemas.js';

/** Looked up in PATH, or where it is. */
const program = z.string().regex(/^(?:\/.*[^/]|[A-Za-z0-9._+-]+)$/, 'must be an absolute path or the name of a program in PATH');
const args = z.array(z.string().min(1).max(4096).refine((value) => !value.includes('\0'), 'must not hold a NUL')).max(100).default([]);
const seconds = z.number().int().min(1).max(31_536_000);
/** Of one generation: a timer takes no more than 24 days. */
const timeout = z.number().int().min(1).max(1_000_000);
const environment = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable'), z.string().max(32_768)).default({});

const pungiSchema = z.strictObject({
  program: program.default('pungi-koji'),
  'config-dump': program.default('pungi-config-dump'),
  /** Not validated beforehand when not given. */
  'config-validate': program.optional(),
  arguments: args,
  environment,
  /** Template of the configuration that imports `raw_config`; see docs/reference/compose-pungi.md. */
  wrapper: absolutePath.optional(),
  'schema-override': absolutePath.optional(),
  timeout: timeout.optional(),
  'post-script-timeout': timeout.default(3600),
});

const login = (config: { readonly username?: string | undefined; readonly password?: SecretPlace | undefined }): boolean => (config.username === undefined) === (config.password === undefined);

const rawConfigSchema = z
  .strictObject({
    /** Of the git repository. */
    url: z.union([absolutePath, urlSchema(/^(https?|file):$/, 'https://git.example/pungi-config.git')], { error: 'must be an http(s) or file URL without user and password, or an absolute path' }),
    'config-filename': relativePath('the name of a file in the repository'),
    /** The directory that has everything; that of `config-filename` when not given. */
    path: relativePath('a directory in the repository').optional(),
    /** Whatever the request names. */
    commit: z.string().min(1).max(200).optional(),
    username: z.string().min(1).regex(/^[^:\0]+$/, 'must have no colon').optional(),
    password: secretSchema.optional(),
    arguments: args.optional(),
    wrapper: absolutePath.optional(),
    'schema-override': absolutePath.optional(),
    'seconds-to-live': seconds.optional(),
    'max-seconds-to-live': seconds.optional(),
    timeout: timeout.optional(),
    'post-script': absolutePath.optional(),
  })
  .refine(login, 'username and password belong together');

const loraxSchema = z.strictObject({ program: program.default('lorax'), arguments: args, environment });

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", the first a letter or digit');

const pungiSettingsSchema = z.strictObject({
  pungi: pungiSchema.prefault({}),
  'raw-configs': z.record(name, rawConfigSchema).default({}),
  lorax: loraxSchema.prefault({}),
});

/** See docs/reference/compose-pungi.md. */
export const pungiSettingsFile = { schema: pungiSettingsSchema, variable: 'MILLRACE_PUNGI', page: 'docs/reference/compose-pungi.md' } as const;

export type PungiSettings = z.infer<typeof pungiSettingsSchema>;
export type RawConfig = PungiSettings['raw-configs'][string];
export type LoraxSettings = PungiSettings['lorax'];

/** What holds where no file is named. */
export const defaultLorax: LoraxSettings = loraxSchema.parse({});

function relativePath(what: string): z.ZodType<string, string> {
  const inside = (value: string): boolean => path.posix.normalize(value) === value && !path.posix.isAbsolute(value) && !/^\.\.?(\/|$)|\0|\/$/.test(value);
  return z.string().min(1).max(1024).refine(inside, `must be ${what}, relative to it and without ".."`);
}
