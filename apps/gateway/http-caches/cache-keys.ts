import { createHash } from 'node:crypto';
import type { EntryKind } from '../../../libs/cache/cache-entry.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheAddress } from './cache-address.js';

const sha256Pattern = /^[0-9a-f]{64}$/;
/** As the domain has it for keys. */
const longest = 2048;

/** The hash of `/cas/<hash>` and `/ac/<hash>`. Errors: `invalid-request`. */
export function hashOf({ key, protocol }: CacheAddress): string {
  if (sha256Pattern.test(key)) return key;
  throw new MillraceError('invalid-request', `/${protocol}/ is followed by a SHA-256 digest: 64 lower-case hex digits`, { suggestion: 'Bazel: leave --digest_function as it is (SHA-256).' });
}

/** The key of an entry of an HTTP cache, as its client forms it. Errors: `invalid-request`. */
export function entryKeyOf({ key }: Pick<CacheAddress, 'key'>): string {
  if (key !== '' && key.length <= longest && !key.endsWith('/') && !/\p{Cc}/u.test(key) && key.isWellFormed()) return key;
  throw new MillraceError('invalid-request', `a key has 1 to ${longest} characters, none of them a control character, and does not end with a slash`);
}

/** Turborepo tells teams apart by what its client sends with each request; caches of different teams have nothing in common. */
export function turborepoKey(hash: string, query: unknown): string {
  const { teamId, slug } = (query ?? {}) as { readonly teamId?: unknown; readonly slug?: unknown };
  const team = [teamId, slug].find((each) => typeof each === 'string' && each !== '');
  if (!/^[\w-]{1,256}$/.test(hash)) throw new MillraceError('invalid-request', 'the hash of an artifact has letters, digits, "_" and "-"');
  if (team === undefined) return hash;
  if (!/^[\w.-]{1,256}$/.test(String(team))) throw new MillraceError('invalid-request', 'teamId, slug: a team has letters, digits, ".", "_" and "-"');
  return `${String(team)}/${hash}`;
}

export function kindOf({ protocol }: CacheAddress): EntryKind | undefined {
  if (protocol === 'cas') return undefined;
  return protocol === 'ac' ? 'action' : protocol;
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
