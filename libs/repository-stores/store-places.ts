import { MillraceError } from '../errors/millrace-error.js';
import { parseBucketUrl } from '../object-storage/bucket-location.js';
import { parseFileUrl } from '../object-storage/file-location.js';
import { readHaikuPorterStorage } from './haikuporter-storage.js';
import type { StoreSettings } from './store-settings.js';

/**
 * Refuses two stores at one place: whether repositories overlap is only looked at within a store, so that two of them could lie on the same objects and take each other's away.
 * Errors: `invalid-setting`.
 */
export async function refuseSamePlaces(stores: ReadonlyMap<string, StoreSettings>): Promise<void> {
  const taken = new Map<string, string>();
  for (const [name, { place }] of stores) {
    const id = JSON.stringify(await identityOf(place, `stores.${name}`));
    const other = taken.get(id);
    if (other !== undefined) throw new MillraceError('invalid-setting', `the stores.${name} and stores.${other} lie at the same place`, { suggestion: 'Let one store be enough: repositories have folders in it. `default` is the store of MILLRACE_REPOSITORIES.' });
    taken.set(id, name);
  }
}

async function identityOf(place: StoreSettings['place'], name: string): Promise<readonly (string | undefined)[]> {
  if ('haikuporter' in place) {
    const { endpoint, bucket, prefix } = await readHaikuPorterStorage(place.haikuporter);
    return [new URL(endpoint).href, bucket, prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`];
  }
  if (!place.url.startsWith('s3:')) return [parseFileUrl(place.url, name)];
  const { endpoint, bucket, prefix } = parseBucketUrl(place.url, name);
  return [endpoint === undefined ? undefined : new URL(endpoint).href, bucket, prefix];
}
