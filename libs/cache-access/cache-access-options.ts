import type { AuthenticatorOptions, TriedLogin } from '../access/authentication/create-authenticator.js';
import type { AccessSettings } from '../access/access-settings.js';
import type { Authenticator } from '../access/authenticator.js';
import type { InstanceAccess } from './cache-access-schema.js';
import type { CacheLoginSettings } from './cache-login-schema.js';
import type { SessionTokens } from './session-login.js';
import type { SessionTakings } from './session-takings.js';

export type CacheLoginKind = 'token' | 'claims' | 'session' | 'ssh';

export interface CacheAccessSettings {
  readonly login: CacheLoginSettings;
  /** By name of the instance. */
  readonly instances: Readonly<Record<string, InstanceAccess>>;
}

export interface CacheAccessOptions extends Omit<AuthenticatorOptions, 'onLogin' | 'composeAuth' | 'now'> {
  /** Of MILLRACE_ACCESS: its ways to log in and its roles of the cache count here, too. */
  readonly access: AccessSettings | undefined;
  /** Of a process that has one already, which closes it itself; undefined: one is made of `access`. */
  readonly authenticator?: Authenticator;
  readonly sessions: SessionTokens;
  readonly takings: SessionTakings;
  readonly onLogin?: (login: TriedCacheLogin) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export type TriedCacheLogin = Omit<TriedLogin, 'by'> & { readonly by: TriedLogin['by'] | CacheLoginKind };
