import { createHash, randomBytes } from 'node:crypto';
import { refusedLogin } from '../access/authentication/login-method.js';
import type { CacheLoginSettings } from './cache-login-schema.js';

/** 256 bits; the prefix is for those who look for secrets in what they publish. */
export function makeCacheToken(): { readonly token: string; readonly sha256: string } {
  const token = `millrace-cache-${randomBytes(32).toString('base64url')}`;
  return { token, sha256: sha256(token) };
}

/**
 * Name of a token that the file knows; undefined: it knows none such. It is found by its digest: how far a wrong token's digest fits tells nothing of the right one.
 * Errors: `unauthorized` for one that has expired.
 */
export function createTokenLogin(tokens: CacheLoginSettings['tokens'], now: () => number): (secret: string) => string | undefined {
  const byDigest = new Map(Object.entries(tokens).map(([name, { sha256: digest, expires }]) => [digest, { name, until: expires === undefined ? Infinity : Date.parse(expires) }]));
  return (secret) => {
    if (byDigest.size === 0 || secret === '') return undefined;
    const known = byDigest.get(sha256(secret));
    if (known !== undefined && known.until <= now()) throw refusedLogin(`the token ${known.name} has expired`);
    return known?.name;
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
