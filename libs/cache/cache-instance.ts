/** One cache of its own: blobs and entries of one instance are never seen in another. Read from the file that `MILLRACE_CACHE` names, else one instance `main` with these defaults. */
export interface CacheInstance {
  /** Letters, digits, `-`, `_`, `.`, parts divided by `/`; the Remote Execution API's `instance_name`. `main` is also meant by the empty name. */
  readonly name: string;
  /** Bytes of blobs that eviction brings the cache down from, and to. */
  readonly quota: { readonly high: number; readonly low: number };
  /** Bytes at which pushes are refused with `cache-full`: as much as may come in between two rounds of eviction. */
  readonly limit: number;
  /** Seconds that a blob or entry is kept at least after it was asked for, found or pushed: what a FindMissingBlobs answer promises. */
  readonly lease: number;
  /** Seconds without use after which blobs and entries go although there is room; undefined: never. */
  readonly maximumAge: number | undefined;
  /** Bytes of one blob. */
  readonly blobBytes: number;
  /** Whether eviction waits for an operator. */
  readonly evictionPaused: boolean;
  /** Bytes that are read and compared in an hour, by and by all of them; 0 or undefined: none by themselves. */
  readonly verifiedHourly?: number;
  /** Whether the Remote Asset API downloads URLs that nobody pushed, for callers who may push them; undefined: never. */
  readonly fetch?: CacheFetching;
  /** An index alone: assets lead to blobs of another server, which nobody here can look for. */
  readonly storageElsewhere?: boolean;
}

/** How downloads of the cache's own are made: each has a fetch session. */
export interface CacheFetching {
  /** `permissive` only where the service allows such sessions. */
  readonly policy: 'strict' | 'permissive';
  /** Whether the session's record stays, so that what was downloaded can be traced. */
  readonly retain: boolean;
}

export const mainInstance = 'main';
