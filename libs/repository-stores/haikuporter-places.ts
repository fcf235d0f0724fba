import type { BucketLocation } from '../object-storage/bucket-location.js';
import { lazyStore } from '../object-storage/lazy-store.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openBucketStore, type OpenStoreOptions } from '../object-storage/open-object-store.js';
import { prefixedStore } from '../object-storage/prefixed-store.js';
import { readHaikuPorterStorage } from './haikuporter-storage.js';
import { findPrefix } from './run-together-prefix.js';

/**
 * The bucket of HaikuPorter's storage configuration. Its prefix is a folder, whether or not it ends in a slash, except where a repository was written without one.
 * The keys are read from the file again when the service refuses them. Errors: `invalid-setting`.
 */
export async function openHaikuPorterPlaces(file: string, options: Pick<OpenStoreOptions, 'name' | 'metrics' | 'cache'>): Promise<{ at(folder: string): ObjectStore; close(): void }> {
  const { endpoint, region, bucket: bucketName, prefix: written } = await readHaikuPorterStorage(file);
  const prefix = written.replace(/\/+$/, '');
  const opened: ObjectStore[] = [];

  function open(keyPrefix: string): ObjectStore {
    const location: BucketLocation = { bucket: bucketName, prefix: keyPrefix, endpoint, region, pathStyle: true };
    const store = openBucketStore(location, { ...options, readKeys: () => readHaikuPorterStorage(file) });
    opened.push(store);
    return store;
  }

  const folder = open(prefix === '' ? '' : `${prefix}/`);
  const own = prefix === '' || written.endsWith('/') ? prefixedStore(folder, '') : lazyStore(async () => open(await findPrefix({ bucket: open(''), prefix, bucketName })));
  return {
    at: (below) => (below === '' ? own : prefixedStore(folder, below)),
    close: () => opened.forEach((store) => store.close()),
  };
}
