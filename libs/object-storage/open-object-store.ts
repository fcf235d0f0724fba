import { parseBucketUrl, type BucketLocation } from './bucket-location.js';
import { cachedStore, type CacheLimits } from './cached-store.js';
import { openDirectoryStore } from './directory/open-directory-store.js';
import { parseFileUrl } from './file-location.js';
import { lazyStore } from './lazy-store.js';
import { measuredStore, type StorageMetrics } from './measured-store.js';
import type { ObjectStore } from './object-store.js';
import { defaultRetries, retryingStore, type RetryPolicy } from './retrying-store.js';
import type { ReadS3Keys } from './s3-credentials.js';
import { verifiedStore } from './verified-store.js';

export interface OpenStoreOptions {
  /** What the URL comes from, for messages. */
  readonly name: string;
  /** Undefined: what the SDK finds (environment, files, roles). */
  readonly readKeys?: ReadS3Keys | undefined;
  readonly metrics?: StorageMetrics | undefined;
  /** Of a bucket. */
  readonly retries?: RetryPolicy | undefined;
  /** Small objects of a bucket are kept in memory. Undefined: none. */
  readonly cache?: CacheLimits | undefined;
}

/** The store of a `file:` or `s3:` URL. Connects to nothing yet. Errors: `invalid-setting`. */
export function openObjectStore(url: string, options: OpenStoreOptions): ObjectStore {
  if (url.startsWith('s3:')) return openBucketStore(parseBucketUrl(url, options.name), options);
  return withMetrics(openDirectoryStore(parseFileUrl(url, options.name)), options);
}

/** What a network between needs: time to come back, and doubt of what comes out of it. */
export function openBucketStore(location: BucketLocation, options: OpenStoreOptions): ObjectStore {
  // The SDK is loaded by the first use: that takes longer than a small compose takes to make.
  const bucket = lazyStore(async () => {
    const { openS3Store } = await import('./s3/open-s3-store.js');
    return openS3Store(location, { readKeys: options.readKeys });
  });
  const store = verifiedStore(retryingStore(withMetrics(bucket, options), options.retries ?? defaultRetries));
  return options.cache === undefined ? store : cachedStore(store, options.cache);
}

function withMetrics(store: ObjectStore, { metrics }: OpenStoreOptions): ObjectStore {
  return metrics === undefined ? store : measuredStore(store, metrics);
}
