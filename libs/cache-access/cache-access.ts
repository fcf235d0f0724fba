import type { ClientCertificate } from '../access/authenticator.js';
import type { EntryKind, EntryOrigin } from '../cache/cache-entry.js';

/** What a client of any protocol shows. */
export interface CacheCredentials {
  /** `Bearer …` or `Basic …`, of metadata `authorization` or the header. */
  readonly authorization: string | undefined;
  readonly certificate: ClientCertificate | undefined;
  /** `SHA256:…` of the key that an ssh client proved to have. */
  readonly sshKey?: string;
  readonly peerAddress: string;
}

/** Who it is, for the audit, and what that leads to in the record. */
export interface CacheCaller {
  /** `anonymous` where nobody has to say who they are. */
  readonly name: string;
  /** Of a caller that showed the id and token of a fetch session (`Basic`): entries that it takes and pushes belong to that session. */
  readonly session: string | undefined;
  readonly groups: readonly string[];
}

export interface CacheAccess {
  /** Errors: `unauthorized` for credentials that are wrong or of nobody; `identity-unavailable`. */
  identify(credentials: CacheCredentials): Promise<CacheCaller>;
  /**
   * Returns where it may be done; else errors: `unauthorized` when showing credentials could help, `forbidden`, `quota-exceeded` (too many requests or bytes a minute: `retryAfter`
   * seconds). `push` without a key: blobs, and asking whether pushing is possible at all.
   */
  demand(caller: CacheCaller, action: 'pull' | 'push' | 'admin', instance: string, key?: { readonly kind: EntryKind; readonly key: string }): void;
  /** Counts bytes of a push against the caller's rate. Errors: `quota-exceeded`. */
  count(caller: CacheCaller, instance: string, bytes: number): void;
  /** What an entry says of its origin, with the session of the caller first. */
  origin(caller: CacheCaller, said: EntryOrigin): EntryOrigin;
  /** Values of `WWW-Authenticate`. */
  readonly challenges: readonly string[];
  close(): Promise<void>;
}
