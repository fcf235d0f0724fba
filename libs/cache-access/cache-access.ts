import type { ClientCertificate, Credentials } from '../access/authenticator.js';
import type { Role } from '../access/principal.js';
import type { EntryKind, EntryName, EntryOrigin } from '../cache/cache-entry.js';
import type { RateWaiting } from './cache-rates.js';

/** What a client of any protocol shows. */
export interface CacheCredentials {
  /** `Bearer …` or `Basic …`, of metadata `authorization` or the header. */
  readonly authorization: string | undefined;
  readonly certificate: ClientCertificate | undefined;
  /** `SHA256:…` of the key that an ssh client proved to have. */
  readonly sshKey?: string;
  readonly peerAddress: string;
  /** Of an HTTP request: what a front-end proxy says there counts from its own address only. */
  readonly headers?: Credentials['headers'];
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
  /** Errors: `unauthorized` for credentials that are wrong or of nobody; `quota-exceeded` for an address that showed too many such; `identity-unavailable`. */
  identify(credentials: CacheCredentials): Promise<CacheCaller>;
  /**
   * Whether a caller whose call still runs would be let in now, by what it shows now, to all that was demanded for it; counts no request. Errors: `unauthorized`, `forbidden`; others, such
   * as `identity-unavailable`, say nothing of the right.
   */
  recheck(caller: CacheCaller, credentials: CacheCredentials): Promise<void>;
  /** By the roles of the access file, which hold in every instance, or as one of the instance's own administrators, who have all roles there. */
  hasRole(caller: CacheCaller, role: Role, instance: string): boolean;
  /**
   * Returns where it may be done; else errors: `unauthorized` when showing credentials could help, `forbidden`, `quota-exceeded` (too many requests or bytes a minute: `retryAfter`
   * seconds). `push` without a key: blobs, and asking whether pushing is possible at all.
   */
  demand(caller: CacheCaller, action: 'pull' | 'push' | 'admin', instance: string, key?: { readonly kind: EntryKind; readonly key: string }): void;
  /**
   * Counts bytes of a push against the caller's rate, as they come, and waits until what came before them is made up for: a push that has begun is slowed, and never refused. Errors:
   * the reason of `signal`; `quota-exceeded` only where it would take longer than `patience`.
   */
  count(caller: CacheCaller, instance: string, bytes: number, waiting?: RateWaiting): Promise<void>;
  /** What an entry says of its origin, with the session of the caller first. */
  origin(caller: CacheCaller, said: EntryOrigin): EntryOrigin;
  /** After an entry was found for, or pushed by, the caller of a session: what the session's provenance lists. Written a moment later, each entry once; nothing waits for it. */
  took(caller: CacheCaller, name: EntryName, how: 'pulled' | 'pushed'): void;
  /** Values of `WWW-Authenticate`. */
  readonly challenges: readonly string[];
  close(): Promise<void>;
}
