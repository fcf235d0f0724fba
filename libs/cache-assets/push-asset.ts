import type { BlobReference } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import { assetLimits, assetNames, type AssetRequest } from './asset-names.js';
import type { AssetCall } from './asset-call.js';
import type { AssetServices } from './asset-services.js';
import { writeTarget } from './asset-target.js';
import { carriesCredentials } from './request-qualifiers.js';

export interface PushedAsset extends AssetRequest {
  readonly target: BlobReference | undefined;
  /** Kept as long as the asset is. */
  readonly references: readonly BlobReference[];
  /** ISO 8601 UTC. */
  readonly expiresAt: string | undefined;
}

/**
 * Every URI leads to the target from now on. Blobs may come later: the asset is found when all are there. Whoever may push nothing at all learns that before anything
 * is said of the request, because clients ask with an empty one. Errors: `unauthorized`, `forbidden`, `invalid-request`, and of `ArtifactCache.putEntry`.
 */
export async function pushAsset(services: AssetServices, asset: PushedAsset, call: AssetCall): Promise<void> {
  const { cache, access } = services;
  const instance = cache.instance(asset.instance).name;
  access.demand(call.caller, 'push', instance);
  const names = assetNames({ ...asset, instance });
  const { target, references, expiresAt } = asset;
  if (target === undefined) throw new MillraceError('invalid-request', 'the digest of the asset is not given');
  if (references.length > assetLimits.references) throw new MillraceError('invalid-request', `${references.length} references: an asset may name at most ${assetLimits.references} blobs and directories`);
  const secret = asset.qualifiers.find(({ name }) => carriesCredentials(name));
  if (secret !== undefined) throw new MillraceError('invalid-request', `the qualifier ${secret.name} says how to download, which is no name of what is pushed`, { suggestion: 'Push with the qualifiers that describe the content.' });
  for (const { kind, key } of names) access.demand(call.caller, 'push', instance, { kind, key });
  const { origin } = call;
  const leading = writeTarget(cache.instance(instance), target, references);
  for (const name of names) {
    await cache.putEntry({ ...name, ...leading, properties: {}, expiresAt, origin }, { by: call.caller.name, signal: call.signal });
    access.took(call.caller, name, 'pushed');
  }
}
