import type { CacheDigest, DigestFunction } from '../cache/cache-digest.js';
import type { Checksum } from './checksum-sri.js';
import type { AssetCall } from './asset-call.js';

/** Downloads of URLs that nobody has pushed, each through a fetch session: recorded, inspected, and only where sessions may go. */
export interface AssetDownloads {
  /** Whether the instance has it switched on. */
  allowed(instance: string): boolean;
  /**
   * The same download is made once for all who ask for it meanwhile, and goes on when they have left. Errors: those of the service's own parts (`database-unavailable`, `storage-full`,
   * `cache-full`, `service-unavailable`), and `cancelled` when this caller has left.
   */
  download(wanted: WantedDownload, call: AssetCall): Promise<DownloadOutcome>;
}

export interface WantedDownload {
  readonly instance: string;
  /** http or https. */
  readonly uri: string;
  /** They name the content, besides the URI. */
  readonly qualifiers: Readonly<Record<string, string>>;
  /** Fields for that server alone. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum | undefined;
  readonly digestFunction: DigestFunction;
  /** Milliseconds that this caller waits; undefined: the service's own time. */
  readonly timeout: number | undefined;
  /** ISO 8601 UTC: a download that began before does not serve. */
  readonly notBefore: string | undefined;
}

export type DownloadOutcome = { readonly digest: CacheDigest } | { readonly failure: OriginFailure };

/** What is no fault of this service. `refused`: by policy, by the destination rules or by the server; `inconsistent`: other bytes than the checksum says. */
export interface OriginFailure {
  readonly uri: string;
  readonly reason: 'not-found' | 'refused' | 'timed-out' | 'inconsistent' | 'too-large' | 'unavailable';
  readonly message: string;
}
