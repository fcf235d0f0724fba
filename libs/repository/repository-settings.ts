import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import { repositoryNamePattern, type RepositoryKind, type RepositorySettings } from './repository.js';

/** They stand in line-based files that package managers trust: no line may be added by them. */
const line = (length: number): z.ZodString => z.string().max(length).regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'must be one line without control characters');
const word = line(200).regex(/^[A-Za-z0-9][A-Za-z0-9._+:~-]*$/, 'must be one word of letters, digits, ".", "_", "+", ":", "~" and "-"');
/** Ten years are more than anybody means; what is larger is a mistake in the unit. */
const seconds = (least: number): z.ZodNumber => z.int().min(least).max(315_360_000);
const unique = (items: readonly string[]): boolean => new Set(items).size === items.length;
const words = (most: number): z.ZodType<string[], string[]> => z.array(word).max(most).refine(unique, 'must not name anything twice');

/** As `repo.info` names them; the format knows their numbers. */
export const haikuArchitectures = ['any', 'x86', 'x86_gcc2', 'source', 'x86_64', 'ppc', 'arm', 'm68k', 'sparc', 'arm64', 'riscv64'] as const;

const haiku = z.strictObject({
  name: line(200).min(1),
  identifier: line(500).min(1),
  baseUrl: line(2000).min(1),
  vendor: line(200).min(1),
  summary: line(1000).min(1),
  priority: z.int().min(0).max(255).default(1),
  architecture: z.enum(haikuArchitectures),
});

const rpm = z.strictObject({
  // Every dnf and yum there is reads it.
  compression: z.enum(['gzip', 'zstd']).default('gzip'),
  packageKeys: z.array(z.string().toUpperCase().regex(/^([0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})$/, 'must be a key id or fingerprint in hex')).max(100).default([]),
  packagePublicKeys: z.string().min(1).max(200_000).exactOptional(),
});

const component = word.max(64).regex(/^[^:~]*$/, 'must be one word of letters, digits, ".", "_", "+" and "-"');
// A folder below `dists/`.
const distribution = word.max(64).regex(/^[^:]*$/, 'must be one word of letters, digits, ".", "_", "+", "~" and "-"');
const architecture = line(64)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be an architecture such as "amd64"')
  .refine((name) => !['all', 'any', 'source'].includes(name), 'must be an architecture such as "amd64": packages for "all" are in the index of each');
const deb = z.strictObject({
  origin: line(200).default(''),
  label: line(200).default(''),
  suite: distribution.default('stable'),
  codename: distribution.default('stable'),
  description: line(1000).default(''),
  components: z.array(component).min(1).max(50).refine(unique, 'must not name anything twice').default(['main']),
  architectures: z.array(architecture).min(1, 'must name at least one').max(50).refine(unique, 'must not name anything twice'),
  validSeconds: seconds(3600).nullable().default(null),
});

const upstream = z.strictObject({
  // Events and answers have it: it must hold no secret.
  url: line(2000).regex(/^((https?|file):\/\/[^@]*|store:[a-z0-9][a-z0-9._-]*(\/[^@]*)?)$/, 'must be an http:, https: or file: URL without user and password, or store:<name>/<folder>'),
  everySeconds: seconds(60).nullable().default(null),
  keys: z.array(z.string().max(200_000)).max(20).default([]),
});

const day = 86_400;

const common = {
  keys: words(10).default([]),
  keepVersions: z.int().min(1).max(1000).nullable().default(null),
  // Why these and why both: docs/adr/0034.
  guard: z.strictObject({ packages: z.int().min(0).max(10_000_000).default(10), share: z.number().min(0).max(1).default(0.25) }).default({ packages: 10, share: 0.25 }),
  graceSeconds: seconds(0).default(day),
  obsoleteSeconds: seconds(0).nullable().default(30 * day),
  checkSeconds: seconds(60).nullable().default(day),
  checkWith: z.array(z.string().regex(repositoryNamePattern, 'must be the name of a repository')).max(10).refine(unique, 'must not name anything twice').exactOptional(),
  maxBytes: z.int().min(1).nullable().exactOptional(),
  upstream: upstream.nullable().default(null),
};

const none = z.null('does not belong to this kind of repository').default(null);
const schemas = {
  // Its clients and HaikuPorter know one version of each name (docs/adr/0036).
  haiku: z.strictObject({ haiku, rpm: none, deb: none, ...common, keepVersions: common.keepVersions.unwrap().default(1) }),
  rpm: z.strictObject({ haiku: none, rpm: rpm.prefault({}), deb: none, ...common }),
  deb: z.strictObject({ haiku: none, rpm: none, deb, ...common }),
} as const;

/** What has no default, for whoever has not said it. */
const needed: Readonly<Record<string, string>> = {
  haiku: 'is missing: the values of a repo.info file (millrace repo create --info repo.info), or {"name", "identifier", "baseUrl", "vendor", "summary", "architecture"}',
  deb: 'is missing: {"architectures": ["amd64"]} is the least that an apt repository needs',
  'deb.architectures': 'is missing: a list such as ["amd64"]',
};

/** Whole settings of what somebody has said, defaults filled in. Errors: `invalid-request`, with every mistake in its details. */
export function parseRepositorySettings(kind: RepositoryKind, given: unknown): RepositorySettings {
  const result = schemas[kind].safeParse(given);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map((issue) => {
    const at = issue.path.map(String).join('.');
    return { at, problem: (issue.code === 'invalid_type' && issue.message.endsWith('received undefined') ? needed[at] : undefined) ?? issue.message };
  });
  const told = mistakes.slice(0, 5).map(({ at, problem }) => (at === '' ? problem : `${at}: ${problem}`));
  throw new MillraceError('invalid-request', `settings of a ${kind} repository: ${told.join('; ')}`, { details: mistakes, suggestion: 'docs/reference/repositories.md has all settings of a repository.' });
}
