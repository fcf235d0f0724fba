import type { CacheDigest } from '../cache/cache-digest.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { AssetCall } from './asset-call.js';
import type { AssetServices } from './asset-services.js';
import { fetchAsset } from './fetch-asset.js';
import { pushAsset } from './push-asset.js';

/** BuildStream 1.5.1 to 1.6.9 names the directory of an artifact so; a reference of older ones is the same entry, because both give the same element the same key. */
export function referenceUri(key: string): string {
  return `urn:fdc:buildstream.build:2020:v1:${key}`;
}

export interface ReferenceName {
  readonly instance: string;
  readonly key: string;
}

/** The root directory of an artifact. Errors: `entry-not-found`, `invalid-request`, `unauthorized`, `forbidden`. */
export async function getReference(services: AssetServices, { instance, key }: ReferenceName, call: AssetCall): Promise<CacheDigest> {
  const asset = { instance, kind: 'directory', uris: key === '' ? [] : [referenceUri(key)], qualifiers: [], oldestAccepted: undefined, timeout: undefined, digestFunction: 'sha256' } as const;
  const outcome = await fetchAsset(services, asset, call);
  if ('failure' in outcome) throw new MillraceError('internal', 'a directory is never downloaded');
  return outcome.found.digest;
}

/** All keys lead to that directory from now on. Errors as of `pushAsset`. */
export async function updateReferences(services: AssetServices, { instance, keys, digest }: { readonly instance: string; readonly keys: readonly string[]; readonly digest: CacheDigest | undefined }, call: AssetCall): Promise<void> {
  if (keys.includes('')) throw new MillraceError('invalid-request', 'a reference has a key');
  const target = digest === undefined ? undefined : ({ digest, shape: 'directory' } as const);
  await pushAsset(services, { instance, kind: 'directory', uris: keys.map(referenceUri), qualifiers: [], target, references: [], expiresAt: undefined }, call);
}

/** What old clients ask before they offer anything. Errors: `unauthorized` and `forbidden` only where not even pulling is allowed. */
export function mayUpdate({ cache, access }: AssetServices, instanceName: string, { caller }: AssetCall): boolean {
  const instance = cache.instance(instanceName).name;
  access.demand(caller, 'pull', instance);
  try {
    access.demand(caller, 'push', instance);
    return true;
  } catch (error) {
    if (isMillraceError(error) && (error.code === 'unauthorized' || error.code === 'forbidden')) return false;
    throw error;
  }
}
