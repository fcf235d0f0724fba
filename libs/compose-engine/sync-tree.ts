import { open, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Flushes a directory with all that is in it. Files with several names are in the content store, which has synced them. */
export async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(place);
    else await syncFile(place);
  }
  await syncDirectory(directory);
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).nlink === 1) await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
