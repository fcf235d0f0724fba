import type { ArtifactCache } from '../../../libs/cache-engine/artifact-cache.js';
import type { CacheMetrics } from './cache-metrics.js';

/** Counts which entries were there. */
export function measuredCache<Cache extends ArtifactCache>(cache: Cache, metrics: Pick<CacheMetrics, 'entry'>): Cache {
  return {
    ...cache,
    async findEntry(name, options) {
      const found = await cache.findEntry(name, options);
      metrics.entry(cache.instance(name.instance).name, name.kind, found === undefined ? 'miss' : 'hit');
      return found;
    },
  };
}
