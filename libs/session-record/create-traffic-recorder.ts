import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '../errors/millrace-error.js';
import { isConnectionError, isUniqueViolation } from '../database/database-errors.js';
import type { Database } from '../database/open-database.js';
import type { TrafficRecorder } from '../proxy/ports.js';
import type { TrafficEvent } from '../session/session-events.js';
import { recordBatch, type BatchItem } from './record-batch.js';

export interface TrafficRecorderOptions {
  /** How long an event waits for a database that is away before it is rejected; 30,000 when not given. */
  readonly patienceMilliseconds?: number;
  /** Most events in one transaction; 400 when not given. */
  readonly largestBatch?: number;
}

interface Waiting extends BatchItem {
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Also the state of the group commit, for metrics. */
export interface ClosableTrafficRecorder extends TrafficRecorder {
  /** Events that wait for their commit. */
  readonly waiting: number;
  /** Resolves when everything handed in has been recorded or rejected. */
  drained(): Promise<void>;
}

/**
 * Group commit: one transaction at a time; all events that come while it is under way share the next one, so that the price of
 * a durable commit is paid per batch. Errors of `record`: `record-sealed`, `database-unavailable` (outcome unknown: handing the
 * same event in again records it once).
 */
export function createTrafficRecorder(database: Database, options: TrafficRecorderOptions = {}): ClosableTrafficRecorder {
  const patience = options.patienceMilliseconds ?? 30_000;
  const largestBatch = options.largestBatch ?? 400;
  let queue: Waiting[] = [];
  let running: Promise<void> | undefined;
  let busyWith = 0;

  async function run(): Promise<void> {
    // Lets everything that ends in this tick join the first batch.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.slice(0, largestBatch);
      queue = queue.slice(largestBatch);
      busyWith = batch.length;
      await commit(batch);
      busyWith = 0;
    }
    running = undefined;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    let open = batch;
    // Only a repetition can meet its own events, so only a repetition looks for them.
    let lookForRepetitions = false;
    for (let wait = 25; ; wait = Math.min(wait * 2, 500)) {
      try {
        const outcomes = await recordBatch(database, open, { lookForRepetitions });
        open.forEach((item, index) => settle(item, outcomes[index]));
        return;
      } catch (error) {
        if (isUniqueViolation(error) && !lookForRepetitions) {
          lookForRepetitions = true;
          continue;
        }
        lookForRepetitions = true;
        if (!isConnectionError(error)) return isolate(open, error);
        open = withPatience(open, error);
        if (open.length === 0) return;
        await pause(wait);
      }
    }
  }

  /** One event that the database refuses must not take the others with it. */
  async function isolate(batch: readonly Waiting[], error: unknown): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) return only.reject(error);
    for (const item of batch) await commit([item]);
  }

  function withPatience(batch: readonly Waiting[], error: unknown): readonly Waiting[] {
    const limit = performance.now() - patience;
    for (const item of batch) if (item.since <= limit) item.reject(unavailable(error));
    return batch.filter((item) => item.since > limit);
  }

  return {
    get waiting() {
      return queue.length + busyWith;
    },
    record(sessionId: string, event: TrafficEvent) {
      return new Promise<void>((resolve, reject) => {
        queue.push({ sessionId, event, since: performance.now(), resolve, reject });
        running ??= run();
      });
    },
    async drained() {
      while (running !== undefined) await running;
    },
  };
}

function settle(item: Waiting, refusal: MillraceError | undefined): void {
  if (refusal === undefined) item.resolve();
  else item.reject(refusal);
}

function unavailable(cause: unknown): MillraceError {
  return new MillraceError('database-unavailable', 'the record could not be written in time', { cause });
}
