import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '../../errors/millrace-error.js';

/** One at a time among all processes that have the same file. */
export interface WriteLock {
  run<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

const sqliteBusy = 5;
/** Milliseconds. */
const longestPause = 20;
const patience = 30_000;

/** An SQLite lock, because Node has no flock: the kernel drops it when its holder dies, so that it is never stale. */
export function createWriteLock(file: string): WriteLock {
  let database: DatabaseSync | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function take(): Promise<DatabaseSync> {
    database ??= new DatabaseSync(file, { timeout: 0 });
    const deadline = Date.now() + patience;
    for (let wait = 1; !tryTake(database); wait = Math.min(2 * wait, longestPause)) {
      if (Date.now() > deadline) throw new MillraceError('storage-unavailable', `another process has held ${file} for ${patience / 1000} seconds`);
      await pause(Math.random() * wait);
    }
    return database;
  }

  async function locked<T>(work: () => Promise<T>): Promise<T> {
    const held = await take();
    try {
      return await work();
    } finally {
      held.exec('ROLLBACK');
    }
  }

  return {
    run(work) {
      const turn = queue.then(() => locked(work));
      queue = turn.catch(() => undefined);
      return turn;
    },
    close() {
      database?.close();
      database = undefined;
    },
  };
}

function tryTake(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false;
    throw error;
  }
}
