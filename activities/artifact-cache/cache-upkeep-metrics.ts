import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheUsage, EvictionStep, Verification } from '../../libs/cache-engine/artifact-cache.js';

/** What the upkeep of caches tells of itself. `instance` of the labels is a name of the settings. */
export interface CacheUpkeepMetrics {
  usage(instance: string, usage: CacheUsage): void;
  evicted(instance: string, reason: string, step: EvictionStep): void;
  collected(instance: string, objects: number): void;
  verified(instance: string, verified: Verification): void;
}

/** One for each registry. */
export function cacheUpkeepMetrics(registry: Registry): CacheUpkeepMetrics {
  const registers = [registry];
  const bytes = new Gauge({ name: 'millrace_cache_bytes', help: 'Bytes of the blobs of an artifact cache; kept: those that no eviction may take now.', labelNames: ['instance', 'part'] as const, registers });
  const things = new Gauge({ name: 'millrace_cache_objects', help: 'Blobs and entries of an artifact cache.', labelNames: ['instance', 'kind'] as const, registers });
  const evictedBytes = new Counter({ name: 'millrace_cache_evicted_bytes_total', help: 'Bytes that eviction has freed.', labelNames: ['instance', 'reason'] as const, registers });
  const evictedObjects = new Counter({ name: 'millrace_cache_evicted_objects_total', help: 'Blobs and entries that were evicted.', labelNames: ['instance', 'kind', 'reason'] as const, registers });
  const garbage = new Counter({ name: 'millrace_cache_garbage_objects_total', help: 'Objects of the store that nothing named and that were deleted.', labelNames: ['instance'] as const, registers });
  const verifiedBlobs = new Counter({ name: 'millrace_cache_verified_blobs_total', help: 'Blobs that were read and compared.', labelNames: ['instance', 'outcome'] as const, registers });
  return {
    usage(instance, usage) {
      bytes.set({ instance, part: 'all' }, usage.bytes);
      bytes.set({ instance, part: 'kept' }, usage.kept);
      things.set({ instance, kind: 'blobs' }, usage.blobs);
      things.set({ instance, kind: 'entries' }, usage.entries);
    },
    evicted(instance, reason, step) {
      evictedBytes.inc({ instance, reason }, step.bytes);
      evictedObjects.inc({ instance, reason, kind: 'blobs' }, step.blobs);
      evictedObjects.inc({ instance, reason, kind: 'entries' }, step.entries);
    },
    collected: (instance, objects) => garbage.inc({ instance }, objects),
    verified(instance, { checked, lost }) {
      verifiedBlobs.inc({ instance, outcome: 'whole' }, checked - lost.length);
      verifiedBlobs.inc({ instance, outcome: 'lost' }, lost.length);
    },
  };
}
