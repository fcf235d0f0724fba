import type { CacheCaller } from '../cache-access/cache-access.js';
import type { EntryOrigin } from '../cache/cache-entry.js';

/** Who asks, and until when it is of use. */
export interface AssetCall {
  readonly caller: CacheCaller;
  /** What entries that it pushes say of where they came from. */
  readonly origin: EntryOrigin;
  readonly signal: AbortSignal;
}
