import type { JWTPayload } from 'jose';
import type { Principal } from '../access/principal.js';

/** All that a caller has proven. Several at once: a client certificate, and the token of the session that its build runs in. */
export interface CacheIdentity {
  /** For the audit, and whose rate it is. */
  readonly name: string;
  /** By Millrace's own ways to log in; a certificate's too. */
  readonly principal: Principal | undefined;
  /** Of a verified client certificate. */
  readonly subject: string | undefined;
  readonly sshKey: string | undefined;
  /** Name of a token of the file. */
  readonly token: string | undefined;
  readonly claims: IssuerClaims | undefined;
  readonly session: ShownSession | undefined;
  /** Key of the rate. */
  readonly counted: string;
}

export interface IssuerClaims {
  /** Its name in the file. */
  readonly issuer: string;
  readonly values: JWTPayload;
}

export interface ShownSession {
  readonly id: string;
  /** Who has opened it. */
  readonly owner: string;
}

/** Where a name comes from shows: nobody whom a directory or a provider names so gets another's entries in the audit. */
const reserved = ['token:', 'ssh:', 'session:', 'ci:'] as const;

export const callerName = {
  token: (name: string) => `token:${name}`,
  ssh: (fingerprint: string) => `ssh:${fingerprint}`,
  session: (id: string) => `session:${id}`,
  claims: (issuer: string, subject: string) => `ci:${issuer}:${subject}`,
} as const;

export function isReserved(name: string): boolean {
  return reserved.some((prefix) => name.startsWith(prefix));
}
