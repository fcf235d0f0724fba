import { isConnectionError } from './database-errors.js';

export interface GroupCommitOptions<Item, Result> {
  /** One transaction; resolves to a result for each item, in their order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly largestBatch: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * One transaction at a time; all items that come while it is under way share the next one, in the order in which they came, so that the price
 * of a durable commit is paid per batch. An item that the database refuses is refused alone.
 */
export function groupCommit<Item, Result>({ commit, largestBatch }: GroupCommitOptions<Item, Result>): (item: Item) => Promise<Result> {
  let queue: Waiting<Item, Result>[] = [];
  let running = false;

  async function run(): Promise<void> {
    // Lets everything that comes in this tick join the first batch.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = queue.slice(0, largestBatch);
      queue = queue.slice(largestBatch);
      await settle(batch);
    }
    running = false;
  }

  async function settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await commit(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (batch.length === 1 || isConnectionError(error)) for (const { reject } of batch) reject(error);
      else for (const one of batch) await settle([one]);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (running) return;
      running = true;
      void run();
    });
}
