import { checkPusher } from '../cache/check-entry.js';
import { inTransaction, query } from '../database/sql.js';
import type { CacheRecord, EvictionLimits } from './cache-record.js';
import { recordCacheEvent } from './entry-events.js';
import { evictBlobs, findBlobVictims } from './evict-blobs.js';
import { evictEntries, findOldestUse } from './evict-entries.js';
import { useTimes, type RecordContext } from './record-context.js';
import { rehearseEviction } from './rehearse-eviction.js';

/** Entries of one transaction: few at first, because how much goes with them is not known before; then twice as many each time. */
const fewEntries = 16;
const manyEntries = 512;

export interface Evicted {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** What a round may take: used before `before`, until `excess` bytes are gone. */
export interface EvictionGoal {
  readonly now: string;
  readonly before: string;
  readonly excess: number;
}

export function createEviction(context: RecordContext): Pick<CacheRecord, 'evict'> {
  return {
    async evict(instance, step) {
      checkPusher(step.by);
      const goal = await setGoal(context, instance, step);
      if (step.dryRun) return rehearseEviction(context, instance, goal);
      const { more, ...evicted } = await evictSome(context, instance, { step, goal });
      if (evicted.entries + evicted.blobs > 0) {
        const data = { ...evicted, reason: step.reason, by: step.by };
        await inTransaction(context.database, ({ sql }) => recordCacheEvent(sql, instance, { type: 'CacheEvicted', data }));
      }
      return { ...evicted, more };
    },
  };
}

async function setGoal(context: RecordContext, instance: string, { toBytes, unusedSince }: EvictionLimits): Promise<EvictionGoal> {
  const { now, leased } = useTimes(context, instance);
  const before = unusedSince === undefined || unusedSince > leased ? leased : unusedSince;
  if (toBytes === undefined) return { now, before, excess: unusedSince === undefined ? 0 : Infinity };
  const [sums] = await query<{ bytes: string }>(context.database, 'select coalesce(sum(bytes), 0)::bigint as bytes from cache_usage where instance = $1', [instance]);
  return { now, before, excess: Number(sums?.bytes ?? 0) - toBytes };
}

/** Blobs that are older than the oldest entry go before it; what an entry alone needed is as old as its use, and goes after it. */
async function evictSome(context: RecordContext, instance: string, { step, goal }: { readonly step: EvictionLimits; readonly goal: EvictionGoal }): Promise<Evicted & { readonly more: boolean }> {
  const sum = { entries: 0, blobs: 0, bytes: 0 };
  const add = (one: Evicted): number => {
    sum.entries += one.entries;
    sum.blobs += one.blobs;
    sum.bytes += one.bytes;
    return one.entries + one.blobs;
  };
  const room = (): number => step.limit - sum.entries - sum.blobs;
  add(await evictEntries(context, instance, { goal, limit: room(), removed: { reason: 'expired', by: step.by } }));
  const reason = step.reason === 'age' ? 'aged' : 'evicted';
  for (let batch = fewEntries; room() > 0 && sum.bytes < goal.excess; ) {
    const oldest = await findOldestUse(context, instance, goal);
    const victims = await findBlobVictims(context, instance, { before: oldest ?? goal.before, bytes: goal.excess - sum.bytes, limit: room() });
    if (victims.length > 0) {
      add(await evictBlobs(context, instance, { victims, goal }));
      continue;
    }
    if (oldest === undefined) return { ...sum, more: false };
    const went = add(await evictEntries(context, instance, { goal, limit: Math.min(room(), batch), removed: { reason, by: step.by } }));
    // All that could go are held by others: they are being used.
    if (went === 0) return { ...sum, more: false };
    batch = Math.min(batch * 2, manyEntries);
  }
  return { ...sum, more: room() <= 0 || sum.bytes < goal.excess };
}
