import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { errnoOf, isMissing } from '../../errors/system-error.js';

/** Milliseconds without a byte, after which the file of a writer that cannot be asked about is given up: on another machine, or in another container. */
const givenUp = 24 * 60 * 60 * 1000;

/** Where process ids mean the same: this machine since it was started, and this container. */
const here = createHash('sha256').update([os.hostname(), textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')), textOf(() => readlinkSync('/proc/self/ns/pid'))].join('\n')).digest('hex').slice(0, 16);

/** A name that says who writes the file, so that others know when nobody does any more. */
export function unfinishedFile(folder: string): string {
  return path.join(folder, `${here}.${process.pid}.${randomUUID()}`);
}

/** Removes what writers left that died. */
export async function sweepUnfinished(folder: string, now: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    const [where, pid, unique] = name.split('.');
    if (where === undefined || pid === undefined || unique === undefined) continue;
    const file = path.join(folder, name);
    const dead = where === here ? !isRunning(Number(pid)) : false;
    if (!dead && !(await isOlder(file, now - givenUp))) continue;
    await rm(file, { force: true });
    removed += 1;
  }
  return removed;
}

async function isOlder(file: string, limit: number): Promise<boolean> {
  try {
    return (await lstat(file)).mtimeMs < limit;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

function textOf(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}
