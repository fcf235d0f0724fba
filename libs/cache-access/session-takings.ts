import { LRUCache } from 'lru-cache';
import type { EntryName } from '../cache/cache-entry.js';

export type TakenHow = 'pulled' | 'pushed';

export interface Taking {
  readonly session: string;
  readonly name: EntryName;
  readonly how: TakenHow;
}

/** What builds took from the cache and pushed to it, on its way to the record: each entry once for a session, some at a time. */
export interface SessionTakings {
  note(session: string, name: EntryName, how: TakenHow): void;
  /** Writes what there is now. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SessionTakingsOptions {
  /** Repeating it changes nothing. */
  readonly record: (taking: Taking) => Promise<void>;
  /** What could not be written, and is lost to the record: `count` takings. */
  readonly onLost: (count: number, error: unknown) => void;
  /** Milliseconds that takings are collected for. */
  readonly every?: number;
  /** How many may wait; more are lost while the database is away. */
  readonly limit?: number;
}

const atOnce = 4;
const remembered = 200_000;
const attempts = 10;

export function createSessionTakings({ record, onLost, every = 1000, limit = 50_000 }: SessionTakingsOptions): SessionTakings {
  const known = new LRUCache<string, true>({ max: remembered });
  let waiting: Taking[] = [];
  let failures = 0;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function schedule(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      void flush();
    }, every).unref();
  }

  /** Those that cannot be written now wait for the next round. */
  async function writeAll(): Promise<void> {
    const batch = waiting;
    waiting = [];
    let problem: { readonly error: unknown } | undefined;
    while (batch.length > 0 && problem === undefined) {
      const group = batch.splice(0, atOnce);
      const results = await Promise.allSettled(group.map((taking) => record(taking)));
      for (const [index, result] of results.entries()) {
        const taking = group[index];
        if (result.status === 'fulfilled' || taking === undefined) continue;
        problem = { error: result.reason };
        batch.push(taking);
      }
    }
    failures = problem === undefined ? 0 : failures + 1;
    if (problem !== undefined) keep(batch, problem.error);
  }

  function keep(batch: readonly Taking[], error: unknown): void {
    if (failures >= attempts) {
      failures = 0;
      batch.forEach((taking) => known.delete(keyOf(taking)));
      onLost(batch.length, error);
      return;
    }
    waiting = [...batch, ...waiting];
    schedule();
  }

  async function flush(): Promise<void> {
    while (running !== undefined) await running;
    if (waiting.length === 0) return;
    running = writeAll().finally(() => (running = undefined));
    await running;
  }

  return {
    note(session, name, how) {
      const taking = { session, name, how };
      const key = keyOf(taking);
      if (known.has(key)) return;
      if (waiting.length >= limit) {
        onLost(1, new Error(`${limit} takings wait for the database already`));
        return;
      }
      known.set(key, true);
      waiting.push(taking);
      schedule();
    },
    flush,
    async close() {
      clearTimeout(timer);
      timer = undefined;
      await flush();
      clearTimeout(timer);
      if (waiting.length > 0) onLost(waiting.length, new Error('the service stopped before they could be written'));
    },
  };
}

function keyOf({ session, name: { instance, kind, key, qualifiers }, how }: Taking): string {
  return JSON.stringify([session, how, instance, kind, key, Object.entries(qualifiers).sort()]);
}
