import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { makeCacheToken } from '../../../libs/cache-access/token-login.js';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

export interface SiteFiles {
  /** For MILLRACE_CACHE. */
  readonly cache: string;
  /** For MILLRACE_ACCESS; undefined: there is no TLS, and nothing to say. */
  readonly access: string | undefined;
  readonly pushToken: string;
}

export interface SiteWish {
  /** Bytes. */
  readonly quota: number;
  /** Whether only known callers pull. */
  readonly private: boolean;
  readonly pushTokenFile: string | undefined;
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
}

/** Characters: of 32 random ones nobody guesses any. */
const shortestToken = 32;

/** Writes what the service reads, as the options of this start say; the token is made once. Errors: `invalid-setting`. */
export function writeSiteFiles(directory: string, wish: SiteWish): SiteFiles {
  const settings = path.join(directory, 'settings');
  mkdirSync(settings, { recursive: true, mode: 0o700 });
  const pushToken = path.resolve(wish.pushTokenFile ?? path.join(directory, 'push-token'));
  const sha256 = createHash('sha256').update(keepToken(pushToken)).digest('hex');
  const cache = path.join(settings, 'cache.yaml');
  replace(cache, stringify({ login: { tokens: { pusher: { sha256 } } }, instances: { main: { quota: { high: wish.quota }, access: { pull: wish.private ? 'known' : 'anonymous', push: [{ tokens: ['pusher'] }] } } } }));
  const access = path.join(settings, 'access.yaml');
  if (wish.tls !== undefined) replace(access, stringify({ authentication: { tls: { 'certificate-file': wish.tls.certificate, 'key-file': wish.tls.key } } }));
  return { cache, access: wish.tls === undefined ? undefined : access, pushToken };
}

function keepToken(file: string): string {
  try {
    if (!existsSync(file)) writeFileSync(file, makeCacheToken().token, { mode: 0o600, flag: 'wx' });
    // As BuildStream sends it: the whole content, without outer spaces.
    const token = readFileSync(file, 'utf8').trim();
    if (token.length >= shortestToken && !/\s/.test(token)) return token;
  } catch (cause) {
    throw new MillraceError('invalid-setting', `the token for pushing cannot be kept in ${file}: ${errorMessage(cause)}`, { cause });
  }
  throw new MillraceError('invalid-setting', `${file} holds no token of at least ${shortestToken} characters without spaces`, { suggestion: 'Delete the file, and one is made; or write what millrace cache token makes.' });
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
