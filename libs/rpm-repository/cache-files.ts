import { randomUUID } from 'node:crypto';
import { closeSync, futimesSync, mkdirSync, openSync, renameSync, rmSync, utimesSync, writevSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asStorageError, isMissing } from '../errors/system-error.js';

/** Files that a write leaves behind when its process dies begin with this. */
const unfinished = '.unfinished-';
const staleMilliseconds = 60 * 60 * 1000;
const buffersAtOnce = 512;

/**
 * Writes a file beside its place and moves it there: readers see all of it or nothing, and of several writers the last one counts. Not synced: whoever reads
 * checks what was read. Errors: `storage-full`.
 */
export function writeCacheFile(file: string, parts: readonly Buffer[]): void {
  const directory = path.dirname(file);
  const temporary = path.join(directory, `${unfinished}${randomUUID()}`);
  try {
    mkdirSync(directory, { recursive: true });
    const descriptor = openSync(temporary, 'wx', 0o644);
    try {
      writeAll(descriptor, parts);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw asStorageError(cause, directory);
  }
}

/** The same, by threads: for what others need not wait for. */
export async function writeCacheFileInThread(file: string, parts: readonly Buffer[]): Promise<void> {
  const directory = path.dirname(file);
  const temporary = path.join(directory, `${unfinished}${randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(temporary, Buffer.concat(parts), { flag: 'wx', mode: 0o644 });
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw asStorageError(cause, directory);
  }
}

/** Writes all parts where the descriptor stands. */
export function writeAll(descriptor: number, parts: readonly Buffer[]): void {
  for (let at = 0; at < parts.length; at += buffersAtOnce) writeSome(descriptor, parts.slice(at, at + buffersAtOnce));
}

function writeSome(descriptor: number, parts: readonly Buffer[]): void {
  let left = parts.filter(({ length }) => length > 0);
  while (left.length > 0) {
    let written = writevSync(descriptor, left);
    const index = left.findIndex((part) => {
      if (written < part.length) return true;
      written -= part.length;
      return false;
    });
    left = index < 0 ? [] : [(left[index] as Buffer).subarray(written), ...left.slice(index + 1)];
  }
}

/** Tells the sweep that the file is in use. */
export function touch(file: string | number): void {
  const now = new Date();
  try {
    if (typeof file === 'number') futimesSync(file, now, now);
    else utimesSync(file, now, now);
  } catch {
    // It is gone, or belongs to another user: either way it is no error that it looks unused.
  }
}

/**
 * Removes what dead processes left unfinished, then the least recently used files until the rest has at most this many bytes. Fine beside readers, writers and
 * other sweeps: what is missing is made again. Answers how many files it removed.
 */
export async function sweepCacheFiles(directory: string, maxBytes: number): Promise<number> {
  const files = await listFiles(directory);
  const stale = Date.now() - staleMilliseconds;
  let removed = 0;
  let total = 0;
  // The most recently used first: those stay.
  for (const { file, size, used } of files.sort((one, other) => other.used - one.used || (one.file < other.file ? -1 : 1))) {
    const left = path.basename(file).startsWith(unfinished);
    if (!left) total += size;
    if (left ? used > stale : total <= maxBytes) continue;
    await rm(file, { force: true });
    removed += 1;
  }
  return removed;
}

async function listFiles(directory: string): Promise<{ readonly file: string; readonly size: number; readonly used: number }[]> {
  const files = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true }).catch(ignoreMissing)) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const found = await stat(file).catch(ignoreMissing);
    if ('size' in found) files.push({ file, size: found.size, used: found.mtimeMs });
  }
  return files;
}

function ignoreMissing(error: unknown): never[] {
  if (isMissing(error)) return [];
  throw error;
}
