import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Flushes a directory with all that is in it. Files with several names are in the content store, or were there before: they have been synced. */
export async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(place);
    else if (entry.isFile()) await syncFile(place);
  }
  await syncDirectory(directory);
}

async function syncFile(file: string): Promise<void> {
  if ((await stat(file)).nlink === 1) await sync(file);
}

export async function syncDirectory(directory: string): Promise<void> {
  await sync(directory);
}

async function sync(place: string): Promise<void> {
  const handle = await open(place, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
