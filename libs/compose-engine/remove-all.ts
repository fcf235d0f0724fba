import { chmod, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, isMissing } from '../errors/system-error.js';

/** Deletes a directory with all that is in it, also what a program has written there and made read-only: only root could else delete that. Fine when there is none. */
export async function removeAll(directory: string): Promise<void> {
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error;
    await makeWritable(directory);
    await remove();
  }
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await chmod(directory, 0o700);
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) await makeWritable(path.join(directory, entry.name));
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
