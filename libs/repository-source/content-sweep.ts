import { readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../errors/system-error.js';

/** What a process is writing has been written to within this time; what a crash left behind has not. */
const abandonedAfter = 60 * 60_000;
const prefix = 'swept-';

export function temporaryDirectory(root: string): string {
  return path.join(root, 'tmp');
}

/** Where a file is while a sweep decides about it. */
export function sweptFile(root: string, sha256: string): string {
  return path.join(temporaryDirectory(root), `${prefix}${sha256}`);
}

/**
 * Removes content that has one link only and that nobody has used for this long. There is no call that removes a file if nobody uses it, so each is first
 * taken away under its name and then looked at again: whoever used it before that has left a later access time or another link, and it goes back;
 * whoever comes after that does not find it, and fetches it again.
 */
export async function sweepContent(root: string, idleMilliseconds: number): Promise<number> {
  const limit = Date.now() - idleMilliseconds;
  await sweepTemporary(root, limit);
  let removed = 0;
  for (const folder of await readdir(root)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const sha256 of await readdir(path.join(root, folder))) {
      const file = path.join(root, folder, sha256);
      if (!(await isIdle(file, limit))) continue;
      const swept = sweptFile(root, sha256);
      if ((await ifThere(rename(file, swept))) && (await settle(swept, file, limit))) removed += 1;
    }
  }
  return removed;
}

async function sweepTemporary(root: string, limit: number): Promise<void> {
  const temporary = temporaryDirectory(root);
  for (const name of await readdir(temporary)) {
    const file = path.join(temporary, name);
    if (name.startsWith(prefix)) {
      // A sweep died while it decided: this one decides.
      const sha256 = name.slice(prefix.length);
      await settle(file, path.join(root, sha256.slice(0, 2), sha256), limit);
      continue;
    }
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < Date.now() - abandonedAfter) await ifThere(unlink(file));
  }
}

/** True when the file was removed, false when it went back. */
async function settle(swept: string, file: string, limit: number): Promise<boolean> {
  if (await isIdle(swept, limit)) return ifThere(unlink(swept));
  // Whoever has added the same bytes again meanwhile loses nothing.
  await ifThere(rename(swept, file));
  return false;
}

async function isIdle(file: string, limit: number): Promise<boolean> {
  try {
    const { nlink, atimeMs } = await stat(file);
    return nlink === 1 && atimeMs <= limit;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** False when the file is not there (any more). */
async function ifThere(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
