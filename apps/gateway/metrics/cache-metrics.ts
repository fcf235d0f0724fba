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

interface Figure {
  readonly name: string;
  readonly help: string;
  /** What tells its values apart, besides the instance. */
  readonly label?: string;
  readonly values: Readonly<Record<string, (row: MeasuredInstance) => number | undefined>>;
}

const figures: readonly Figure[] = [
  { name: 'millrace_cache_bytes', help: 'Bytes of the blobs of an artifact cache; kept: those that no eviction may take now; exported: those that it has again as an OSTree repository.', label: 'part', values: { all: ({ usage }) => usage?.bytes, kept: ({ usage }) => usage?.kept, exported: ({ usage }) => usage?.exported } },
  { name: 'millrace_cache_objects', help: 'Blobs and entries of an artifact cache.', label: 'kind', values: { blobs: ({ usage }) => usage?.blobs, entries: ({ usage }) => usage?.entries } },
  { name: 'millrace_cache_quota_bytes', help: 'Bytes that eviction brings an artifact cache down from.', values: { all: ({ quota }) => quota.high } },
  { name: 'millrace_cache_limit_bytes', help: 'Bytes at which an artifact cache refuses pushes.', values: { all: ({ limit }) => limit } },
];

/** By instance, as the settings name them: a few values. */
export function addCacheMetrics(registry: Registry, read: () => Promise<readonly MeasuredInstance[] | undefined>, storeAnswers: () => Promise<boolean>): CacheCounters {
  new Gauge({
    name: 'millrace_cache_store_up',
    help: '1 when the store of the artifact cache answers and is the right one.',
    registers: [registry],
    async collect() {
      this.set((await storeAnswers()) ? 1 : 0);
    },
  });
  for (const { name, help, label, values } of figures) {
    new Gauge({
      name,
      help,
      labelNames: ['instance', ...(label === undefined ? [] : [label])],
      registers: [registry],
      async collect() {
        this.reset();
        for (const row of (await read()) ?? []) {
          for (const [which, figure] of Object.entries(values)) {
            const value = figure(row);
            if (value !== undefined) this.set({ instance: row.instance, ...(label === undefined ? {} : { [label]: which }) }, value);
          }
        }
      },
    });
  }
  return {
    requests: new Counter({ name: 'millrace_cache_http_requests_total', help: 'What clients of HTTP caches asked for: `hit`, `miss`, `stored`, `removed`.', labelNames: ['instance', 'kind', 'result'], registers: [registry] }),
    bytes: new Counter({ name: 'millrace_cache_http_bytes_total', help: 'Bytes of content that clients of HTTP caches pushed (`in`) and pulled (`out`).', labelNames: ['instance', 'direction'], registers: [registry] }),
  };
}
