import { Counter, Gauge, type Registry } from 'prom-client';
import type { CacheUsage } from '../../../libs/cache-engine/artifact-cache.js';

export interface MeasuredInstance {
  readonly instance: string;
  readonly quota: { readonly high: number };
  readonly limit: number;
  /** Undefined: it could not be learnt now. */
  readonly usage: CacheUsage | undefined;
}

/** What the HTTP side of the artifact cache counts; the gRPC side has its own. */
export interface CacheCounters {
  readonly requests: Counter<'instance' | 'kind' | 'result'>;
  readonly bytes: Counter<'instance' | 'direction'>;
}

type Figure = readonly [name: string, figure: (row: MeasuredInstance) => number | undefined, help: string];

const figures: readonly Figure[] = [
  ['millrace_cache_bytes', ({ usage }) => usage?.bytes, 'Bytes of blobs in an instance of the artifact cache.'],
  ['millrace_cache_kept_bytes', ({ usage }) => usage?.kept, 'Bytes of them that no eviction may take now.'],
  ['millrace_cache_blobs', ({ usage }) => usage?.blobs, 'Blobs in an instance.'],
  ['millrace_cache_entries', ({ usage }) => usage?.entries, 'Entries in an instance.'],
  ['millrace_cache_quota_bytes', ({ quota }) => quota.high, 'Bytes that eviction brings an instance down from.'],
  ['millrace_cache_limit_bytes', ({ limit }) => limit, 'Bytes at which an instance refuses pushes.'],
];

/** By instance, as the settings name them: a few values. */
export function addCacheMetrics(registry: Registry, read: () => Promise<readonly MeasuredInstance[] | undefined>): CacheCounters {
  for (const [name, figure, help] of figures) {
    new Gauge({
      name,
      help,
      labelNames: ['instance'],
      registers: [registry],
      async collect() {
        this.reset();
        for (const row of (await read()) ?? []) {
          const value = figure(row);
          if (value !== undefined) this.set({ instance: row.instance }, value);
        }
      },
    });
  }
  return {
    requests: new Counter({ name: 'millrace_cache_http_requests_total', help: 'What clients of HTTP caches asked for: `hit`, `miss`, `stored`, `removed`.', labelNames: ['instance', 'kind', 'result'], registers: [registry] }),
    bytes: new Counter({ name: 'millrace_cache_http_bytes_total', help: 'Bytes of content that clients of HTTP caches pushed (`in`) and pulled (`out`).', labelNames: ['instance', 'direction'], registers: [registry] }),
  };
}
