export type Opinion = 'Unknown' | 'Pending' | 'Approved' | 'Rejected';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What one inspector thinks of a request or a response. The reason tells the user what to do. */
export interface Inspection {
  readonly opinion: Opinion;
  readonly reason: string;
  readonly annotations?: Readonly<Record<string, JsonValue>>;
}

/**
 * What is known of an artefact. The report writes the first ten keys of fetch-service's `metadata` always (empty when
 * unknown) and the others when they are set. Strings come from hostile files: inspectors bound them (4 KiB each).
 */
export interface ArtefactMetadata {
  /** Artefact type as fetch-service names it (`application/x.python.wheel`), or the sniffed media type. */
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly vendor: string;
  readonly description: string;
  readonly author: string;
  /** SPDX expression where it can be told, else as the artefact says. */
  readonly license: string;
  readonly authorEmail?: string;
  readonly architecture?: string;
  readonly copyright?: string;
  readonly sourcePackage?: string;
  /** Package URL, see https://github.com/package-url/purl-spec */
  readonly purl?: string;
  /** When the index says that this release was published, RFC 3339 in UTC. */
  readonly published?: string;
  /** Keys whose signatures over the artefact, or over the index that declares its digest, were verified: `openpgp:<FINGERPRINT>`, separated by spaces. */
  readonly signedBy?: string;
}

export type Verdict = 'Approved' | 'Rejected';
