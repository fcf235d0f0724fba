import { status as grpcStatus } from '@grpc/grpc-js';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { storageMetrics, type StorageMetrics } from '../../../libs/object-storage/measured-store.js';
import type { CacheState } from '../server/watch-health.js';

/** What the cache process counts. Labels have few values each: no digest, key, caller or address. */
export interface CacheMetrics {
  readonly registry: Registry;
  readonly storage: StorageMetrics;
  /** Returns what is to be called with its end. `code`: of our own error, if it was one. */
  begin(method: string): (ended: { readonly status: grpcStatus; readonly code?: string | undefined }) => void;
  /** One message, as it is on the wire. */
  message(method: string, direction: 'in' | 'out', bytes: number): void;
  entry(instance: string, kind: string, result: 'hit' | 'miss'): void;
}

export function createCacheMetrics(version: string, state: () => Promise<CacheState>): CacheMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: 'millrace_build_info', help: 'Always 1.', labelNames: ['version', 'node'] as const, registers }).set({ version, node: process.versions.node }, 1);
  for (const [name, part, help] of [
    ['millrace_database_up', 'database', '1 when the record answers.'],
    ['millrace_cache_store_up', 'store', '1 when the store of the artifact cache answers and is the right one.'],
  ] as const) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set((await state())[part] ? 1 : 0);
      },
    });
  }
  const seconds = new Histogram({ name: 'millrace_cache_grpc_duration_seconds', help: 'Time of one call, by its method and status.', labelNames: ['method', 'status'] as const, buckets: [0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2, 10, 60, 300], registers });
  const open = new Gauge({ name: 'millrace_cache_grpc_calls', help: 'Calls under way.', labelNames: ['method'] as const, registers });
  const bytes = new Counter({ name: 'millrace_cache_grpc_bytes_total', help: 'Bytes of messages that clients sent (`in`) and got (`out`).', labelNames: ['method', 'direction'] as const, registers });
  const errors = new Counter({ name: 'millrace_cache_grpc_errors_total', help: 'Calls that ended with an error, by its code: `quota-exceeded` is a rate, `cache-full` the limit of an instance.', labelNames: ['code'] as const, registers });
  const entries = new Counter({ name: 'millrace_cache_entries_total', help: 'Entries that clients of gRPC asked for.', labelNames: ['instance', 'kind', 'result'] as const, registers });
  return {
    registry,
    storage: storageMetrics(registry)('artifact-cache'),
    begin(method) {
      const begun = performance.now();
      open.inc({ method });
      return ({ status, code }) => {
        open.dec({ method });
        seconds.observe({ method, status: grpcStatus[status] }, (performance.now() - begun) / 1000);
        if (code !== undefined) errors.inc({ code });
      };
    },
    message: (method, direction, count) => bytes.inc({ method, direction }, count),
    entry: (instance, kind, result) => entries.inc({ instance, kind, result }),
  };
}
