import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, open, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { errnoOf, isMissing } from '../../errors/system-error.js';

/** Folders of a directory store. Links are never followed: whoever may write into the directory must not lead the store out of it. */
export interface DirectoryFolders {
  /** Path of the file that a key names, when all folders above it are folders; undefined: no object can be there. */
  find(key: string): Promise<string | undefined>;
  /** The same; makes the folders, durably. Errors: `storage-refused` where a link is in the way. */
  make(key: string): Promise<string>;
  /** Removes folders above the path that are empty now, durably. */
  tidy(file: string): Promise<void>;
}

export function directoryFolders(root: string, mode: number): DirectoryFolders {
  async function makeFolder(folder: string): Promise<void> {
    const found = await statOf(folder);
    if (found?.isDirectory() === true) return;
    if (found !== undefined) throw inTheWay(folder, found);
    await mkdir(folder, { mode }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    await syncFolder(path.dirname(folder));
  }

  return {
    async find(key) {
      let place = root;
      const parts = key.split('/');
      for (const part of parts.slice(0, -1)) {
        place = path.join(place, part);
        if ((await statOf(place))?.isDirectory() !== true) return undefined;
      }
      return path.join(place, parts.at(-1) ?? '');
    },
    async make(key) {
      let place = root;
      const parts = key.split('/');
      for (const part of parts.slice(0, -1)) {
        place = path.join(place, part);
        await makeFolder(place);
      }
      return path.join(place, parts.at(-1) ?? '');
    },
    async tidy(file) {
      let folder = path.dirname(file);
      while (folder !== root && (await removedEmpty(folder))) folder = path.dirname(folder);
      await syncFolder(folder).catch((error: unknown) => {
        if (!isMissing(error)) throw error; // somebody else has emptied and removed it
      });
    },
  };
}

/** Of the thing itself, never of what a link leads to. Undefined: nothing there. */
export async function statOf(file: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(file, { bigint: true });
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removedEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

function inTheWay(folder: string, found: BigIntStats): MillraceError {
  if (found.isSymbolicLink()) return new MillraceError('storage-refused', `${folder} is a symbolic link, which the store does not follow`, { suggestion: 'Replace it by a folder, or open the store at the place that it leads to.' });
  return new MillraceError('invalid-request', `${folder} is an object: in a directory no other object can lie below it`);
}
