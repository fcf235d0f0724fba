/**
 * A policy document after it has been read: only what is valid, every default filled in, with the line of each rule. It is kept in the record
 * beside the text, so that a proxy, or a later version of Millrace, need not read the text again. See docs/reference/policy.md.
 */
export interface PolicyContent {
  readonly version: 1;
  readonly allow: readonly PolicyRule[];
  readonly deny: readonly PolicyRule[];
  /** By ecosystem: hosts (globs) and URL prefixes that may serve it. */
  readonly origins: Readonly<Record<string, PolicyOrigins>>;
  readonly pins: readonly PolicyPin[];
  readonly cooldown?: PolicyCooldown;
  readonly asOf?: PolicyAsOf;
  readonly signatures: readonly RequiredSignature[];
  /** As fetch-service has it. */
  readonly inspectorsConfiguration: Readonly<Record<string, unknown>>;
  /** Only in the service's document: whether documents of sessions may have pins. */
  readonly sessionsMayPin?: boolean;
}

/** Every field that is there has to match. `licence`: SPDX ids, any of them. */
export interface PolicyRule {
  readonly ecosystem?: string;
  readonly host?: string;
  readonly url?: string;
  readonly purl?: string;
  readonly licence?: readonly string[];
  /** Why, in the author's words; goes into the reason. */
  readonly reason?: string;
  readonly line: number;
}

export interface PolicyOrigins {
  readonly from: readonly string[];
  readonly line: number;
}

/** Exactly one of the digests, lower-case hex. */
export interface PolicyPin {
  readonly sha256?: string;
  readonly sha512?: string;
  readonly sha1?: string;
  readonly url?: string;
  readonly name?: string;
  readonly line: number;
}

export interface PolicyCooldown {
  readonly days: number;
  readonly ecosystems: readonly string[];
  /** Globs on package URLs. */
  readonly except: readonly string[];
  readonly line: number;
}

export interface PolicyAsOf {
  /** RFC 3339. */
  readonly at: string;
  readonly ecosystems: readonly string[];
  readonly line: number;
}

export interface RequiredSignature {
  readonly ecosystem: string;
  readonly host?: string;
  /** `openpgp:<FINGERPRINT>` or the fingerprint alone; none: any verified signature. */
  readonly keys: readonly string[];
  readonly line: number;
}

/** Whose document it is: both must agree. */
export type PolicySource = 'service' | 'session';

/** As it stands in `SessionOpened`. */
export interface RecordedPolicyDocument {
  readonly source: PolicySource;
  /** SHA-256 of `text` in UTF-8, lower-case hex. */
  readonly sha256: string;
  /** The document exactly as it was given. */
  readonly text: string;
  readonly content: PolicyContent;
}

/** What cooldown and as-of are about unless the document names ecosystems: those whose indexes say when a release was published. */
export const timedEcosystems: readonly string[] = ['npm', 'pip', 'go', 'cargo'];
