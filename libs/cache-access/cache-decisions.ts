import type { AuthorizationSettings } from '../access/authorization/authorization-schema.js';
import { grantOf } from '../access/authorization/role-decisions.js';
import type { Role } from '../access/principal.js';
import type { EntryKind } from '../cache/cache-entry.js';
import { compileGlob } from '../policy/glob.js';
import type { CacheGrant, CachePeople, InstanceAccess } from './cache-access-schema.js';
import type { CacheIdentity, IssuerClaims } from './cache-identity.js';

export interface EntryKey {
  readonly kind: EntryKind;
  readonly key: string;
}

export interface CacheRules {
  mayPull(identity: CacheIdentity): boolean;
  /** Without a key: blobs, and whether there is anything that may be pushed. */
  mayPush(identity: CacheIdentity, key?: EntryKey): boolean;
  isAdmin(identity: CacheIdentity): boolean;
}

/** What one instance allows. `authorization`: of the access file, whose roles of the cache count in every instance. */
export function compileRules({ pull, push, admin }: Pick<InstanceAccess, 'pull' | 'push' | 'admin'>, authorization: AuthorizationSettings): CacheRules {
  const admins = admin.map(compilePeople);
  const pullers = typeof pull === 'string' ? [] : pull.map(compilePeople);
  const pushers = push.map((grant) => ({ isNamed: compilePeople(grant), grant }));
  const hasRole = ({ principal }: CacheIdentity, role: Role): boolean => principal !== undefined && grantOf(authorization, principal, 'cache', role) !== undefined;
  const isAdmin = (identity: CacheIdentity): boolean => hasRole(identity, 'admin') || admins.some((isNamed) => isNamed(identity));
  const mayPush = (identity: CacheIdentity, key?: EntryKey): boolean =>
    isAdmin(identity) || hasRole(identity, 'writer') || pushers.some(({ isNamed, grant }) => isNamed(identity) && (key === undefined || covers(grant, key)));
  return {
    isAdmin,
    mayPush,
    mayPull: (identity) => pull === 'anonymous' || (pull === 'known' && isKnown(identity)) || hasRole(identity, 'reader') || pullers.some((isNamed) => isNamed(identity)) || mayPush(identity),
  };
}

/** Issuers of CI tokens vouch for the jobs of everybody: by such a token alone nobody is known here unless a grant names it. */
function isKnown({ principal, subject, sshKey, token, session }: CacheIdentity): boolean {
  return [principal, subject, sshKey, token, session].some((proof) => proof !== undefined);
}

function compilePeople(people: CachePeople): (identity: CacheIdentity) => boolean {
  const among = (listed: readonly string[]): ((name: string | undefined) => boolean) => {
    const set = new Set(listed);
    return (name) => name !== undefined && set.has(name);
  };
  const [users, groups, subjects, keys, tokens, owners] = [people.users, people.groups, people.subjects, people['ssh-keys'], people.tokens, people.sessions].map(among) as [Among, Among, Among, Among, Among, Among];
  const claims = people.claims.map(compileClaims);
  return ({ principal, subject, sshKey, token, claims: shown, session }) =>
    users(principal?.name) ||
    principal?.groups.some(groups) === true ||
    subjects(subject) ||
    keys(sshKey) ||
    tokens(token) ||
    (session !== undefined && (owners(session.owner) || owners('*'))) ||
    (shown !== undefined && claims.some((fits) => fits(shown)));
}

type Among = (name: string | undefined) => boolean;

function compileClaims({ issuer, match }: CachePeople['claims'][number]): (shown: IssuerClaims) => boolean {
  const patterns = Object.entries(match).map(([claim, pattern]) => ({ claim, fits: compileGlob(pattern) }));
  return (shown) => shown.issuer === issuer && patterns.every(({ claim, fits }) => textsOf(Object.hasOwn(shown.values, claim) ? shown.values[claim] : undefined).some(fits));
}

/** Others' bytes: texts, numbers and flags as they are written; of a list any item. */
function textsOf(value: unknown): readonly string[] {
  const scalars = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  return scalars.slice(0, 1000).flatMap((item) => (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean' ? [String(item)] : []));
}

function covers({ kinds, prefixes }: CacheGrant, { kind, key }: EntryKey): boolean {
  if (kinds !== undefined && !kinds.includes(kind)) return false;
  return prefixes === undefined || (isPlainKey(key) && prefixes.some((prefix) => key.startsWith(prefix)));
}

/**
 * Keys are compared as they are, byte for byte, and nothing here reads them as paths. Whoever may push only below a prefix gets no key that another program, which does read them so,
 * would find elsewhere.
 */
export function isPlainKey(key: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\\]|%(?:2e|2f|5c|25)/iu.test(key) && !key.split(/[/:]/).some((part) => part === '.' || part === '..');
}
