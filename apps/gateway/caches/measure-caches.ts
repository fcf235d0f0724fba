import type { MeasuredInstance } from '../metrics/cache-metrics.js';
import type { CacheDependencies } from './cache-ports.js';

/** How full the instances are; one that does not answer is told without. */
export function measureCaches({ cache, record }: Pick<CacheDependencies, 'cache' | 'record'>): () => Promise<readonly MeasuredInstance[]> {
  return () => Promise.all(cache.instances.map(async ({ name, quota, limit }) => ({ instance: name, quota, limit, usage: await record.usage(name).catch(() => undefined) })));
}
