import { Counter, Histogram, type Registry } from 'prom-client';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from './object-store.js';
import { passThrough } from './pass-through.js';

export interface StorageMetrics {
  /** `outcome`: `ok`, or the code of the error. */
  operation(operation: string, outcome: string, seconds: number): void;
  bytes(direction: 'read' | 'written', bytes: number): void;
}

/** One for each registry. `store` of the labels is a name of the settings, never a bucket or a key. */
export function storageMetrics(registry: Registry): (store: string) => StorageMetrics {
  const seconds = new Histogram({
    name: 'millrace_storage_operation_duration_seconds',
    help: 'Time of one operation of object storage, the reading of a body aside.',
    labelNames: ['store', 'operation', 'outcome'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300],
    registers: [registry],
  });
  const total = new Counter({ name: 'millrace_storage_bytes_total', help: 'Bytes read from and written to object storage.', labelNames: ['store', 'direction'] as const, registers: [registry] });
  return (store) => ({
    operation: (operation, outcome, value) => seconds.observe({ store, operation, outcome }, value),
    bytes: (direction, value) => total.inc({ store, direction }, value),
  });
}

/** Counts and times what is asked of a store: one that is slow or refuses is seen before its users tell. */
export function measuredStore(store: ObjectStore, metrics: StorageMetrics): ObjectStore {
  async function measured<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const note = (outcome: string): void => metrics.operation(operation, outcome, (performance.now() - begun) / 1000);
    try {
      const value = await work();
      note('ok');
      return value;
    } catch (error) {
      note(outcomeOf(error));
      throw error;
    }
  }

  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      metrics.bytes('read', chunk.length);
      yield chunk;
    }
  }

  return {
    async put(key, content, options) {
      const stored = await measured('put', () => store.put(key, content, options));
      metrics.bytes('written', stored.size);
      return stored;
    },
    copy: (from, to, options) => measured('copy', () => store.copy(from, to, options)),
    head: (key, options) => measured('head', () => store.head(key, options)),
    async get(key, options) {
      const body = await measured('get', () => store.get(key, options));
      return { ...body, content: passThrough(body.content, counted) };
    },
    async *list(prefix, options) {
      const objects = store.list(prefix, options)[Symbol.asyncIterator]();
      try {
        let next = await measured('list', () => objects.next());
        for (; next.done !== true; next = await objects.next()) yield next.value;
      } finally {
        await objects.return?.();
      }
    },
    remove: (keys, options) => measured('remove', () => store.remove(keys, options)),
    presign: (key, options) => store.presign(key, options),
    close: () => store.close(),
  };
}

function outcomeOf(error: unknown): string {
  if (isMillraceError(error)) return error.code;
  return (error as { name?: unknown } | undefined)?.name === 'AbortError' ? 'aborted' : 'error';
}
