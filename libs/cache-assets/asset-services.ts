import type { CacheAccess, CacheCaller } from '../cache-access/cache-access.js';
import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { EntryOrigin } from '../cache/cache-entry.js';
import type { AssetDownloads } from './asset-downloads.js';

/** What assets are fetched from and pushed to. */
export interface AssetServices {
  readonly cache: ArtifactCache;
  readonly access: CacheAccess;
  /** Undefined: only what was pushed is found. */
  readonly downloads?: AssetDownloads;
  readonly now?: () => Date;
}

/** Who asks, and until when it is of use. */
export interface AssetCall {
  readonly caller: CacheCaller;
  /** What entries that it pushes say of where they came from. */
  readonly origin: EntryOrigin;
  readonly signal: AbortSignal;
}
