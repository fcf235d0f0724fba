import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface ExclusiveLock {
  /** May be called again. */
  release(): void;
}

/**
 * Takes the lock in `file`, or returns undefined when another process (or another caller in this one) has it. The lock is
 * an SQLite one, because Node has no flock: the kernel drops it when its holder dies, kill -9 included, so it is never stale.
 */
export function tryLock(file: string): ExclusiveLock | undefined {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
  writeFileSync(`${file}.pid`, `${process.pid}\n`, { mode: 0o600 });
  return {
    release: () => {
      if (!database.isOpen) return;
      rmSync(`${file}.pid`, { force: true });
      database.close();
    },
  };
}

/** Process id of the holder, for messages only. */
export function lockHolder(file: string): string {
  try {
    return `process ${readFileSync(`${file}.pid`, 'utf8').trim()}`;
  } catch {
    return 'another process';
  }
}

const sqliteBusy = 5;
