import type { CacheAccess } from '../cache-access/cache-access.js';
import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { AssetDownloads } from './asset-downloads.js';

/** What assets are fetched from and pushed to. */
export interface AssetServices {
  readonly cache: ArtifactCache;
  readonly access: CacheAccess;
  /** Undefined: only what was pushed is found. */
  readonly downloads?: AssetDownloads;
  readonly now?: () => Date;
}
