import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { asStorageError, isMissing } from '../errors/system-error.js';

/** A part that nobody has written to for this long was left behind by a crash. */
const abandonedAfter = 60 * 60_000;
const usedAgainAfter = 60_000;

/** `<directory>/<aa>/<key>.<end>` */
export function cachedFile(directory: string, key: string, end: string): string {
  return path.join(directory, key.slice(0, 2), `${key}.${end}`);
}

/** Writes a file that can be made again: whole under its name, not synced, because its reader checks it. Errors: `storage-full`. */
export async function keepFile(directory: string, key: string, end: string, parts: readonly Buffer[]): Promise<void> {
  const file = cachedFile(directory, key, end);
  const part = `${file}.${randomUUID()}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(part, 'wx', 0o600);
    try {
      for (const bytes of parts) await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await unlink(part).catch(() => undefined);
    throw asStorageError(error, directory);
  }
}

/** Notes the use of a file for the sweep. */
export async function touchFile(file: string): Promise<void> {
  const now = new Date();
  const known = await stat(file).catch(() => undefined);
  if (known !== undefined && known.mtimeMs < now.getTime() - usedAgainAfter) await utimes(file, now, now).catch(() => undefined);
}

/** Removes files that nobody has used for this long, and what crashes left behind. Answers how many. */
export async function sweepCache(directory: string, idleMilliseconds: number): Promise<number> {
  let removed = 0;
  for (const folder of await readdir(directory)) {
    for (const name of await readdir(path.join(directory, folder)).catch(() => [])) {
      const file = path.join(directory, folder, name);
      const idle = name.endsWith('.part') ? Math.max(idleMilliseconds, abandonedAfter) : idleMilliseconds;
      try {
        if ((await stat(file)).mtimeMs > Date.now() - idle) continue;
        await unlink(file);
        removed += 1;
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }
  return removed;
}
