import type { Principal } from './principal.js';

/** What a request has to show. */
export interface Credentials {
  /** Header `Authorization`. */
  readonly authorization: string | undefined;
  /** Of the TLS connection. */
  readonly certificate: ClientCertificate | undefined;
  /** All headers, lower-case names, each line of them (Node's `headersDistinct`): a front-end proxy's are trusted from its own address only. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Of the TCP peer. */
  readonly peerAddress: string;
}

export interface ClientCertificate {
  /** RFC 4514, most specific part first: `CN=builder,OU=farm,O=Example`. */
  readonly subject: string;
  /** Lower-case hex SHA-256 of the DER. */
  readonly fingerprint: string;
  /** Why it proves nothing: expired, revoked, of an unknown authority. Undefined: its chain was verified. */
  readonly problem?: string;
}

/**
 * Says who asks. Errors: `unauthorized` for credentials that are wrong, expired or of somebody else's service, with the reason for the log in `cause` and
 * nothing of it for the caller; `identity-unavailable` when whoever vouches for them does not answer.
 */
export interface Authenticator {
  /** Undefined: no credentials that this service knows were shown. */
  authenticate(credentials: Credentials): Promise<AuthenticatedCaller | undefined>;
  /** Values of `WWW-Authenticate` for whoever has to show some: `Basic realm="…"`, `Bearer …`, `Negotiate`. */
  readonly challenges: readonly string[];
  /** As ODCS calls it in `about`: `noauth`, `kerberos`, `openidc`, `ssl`, `kerberos_or_ssl`, `oidc_or_kerberos`; `basic` where only the control credentials count. */
  readonly backend: string;
  close(): Promise<void>;
}

export interface AuthenticatedCaller {
  readonly principal: Principal;
  /** Value of `WWW-Authenticate` in the answer: SPNEGO's mutual authentication. */
  readonly reply?: string;
}
