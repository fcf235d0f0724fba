import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

export interface SyncOptions {
  /** Files with several names, too: others than the content store, which has synced its own, may have linked them. */
  readonly linkedToo?: boolean;
}

/** Flushes a directory with all that is in it. */
export async function syncTree(directory: string, { linkedToo = false }: SyncOptions = {}): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(place, { linkedToo });
    else if (entry.isFile()) await syncFile(place, linkedToo);
  }
  await syncDirectory(directory);
}

async function syncFile(file: string, linkedToo: boolean): Promise<void> {
  if (linkedToo || (await stat(file)).nlink === 1) await sync(file);
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
