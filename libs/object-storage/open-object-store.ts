import { parseBucketUrl, type BucketLocation } from './bucket-location.js';
import { openDirectoryStore } from './directory/open-directory-store.js';
import { parseFileUrl } from './file-location.js';
import { lazyStore } from './lazy-store.js';
import type { ObjectStore } from './object-store.js';
import type { ReadS3Keys } from './s3-credentials.js';

export interface OpenStoreOptions {
  /** What the URL comes from, for messages. */
  readonly name: string;
  /** Undefined: what the SDK finds (environment, files, roles). */
  readonly readKeys?: ReadS3Keys | undefined;
  /** Files of a directory are for the user of this process alone. */
  readonly secret?: boolean;
}

/** The store of a `file:` or `s3:` URL. Connects to nothing yet. Errors: `invalid-setting`. */
export function openObjectStore(url: string, options: OpenStoreOptions): ObjectStore {
  if (!url.startsWith('s3:')) return openDirectoryStore(parseFileUrl(url, options.name), options.secret === undefined ? {} : { secret: options.secret });
  return openBucketStore(parseBucketUrl(url, options.name), options);
}

/** The SDK is loaded by the first use: that takes longer than a small compose takes to make. */
export function openBucketStore(location: BucketLocation, { readKeys }: OpenStoreOptions): ObjectStore {
  return lazyStore(async () => {
    const { openS3Store } = await import('./s3/open-s3-store.js');
    return openS3Store(location, { readKeys });
  });
}
