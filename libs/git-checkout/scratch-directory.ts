import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Milliseconds: no use of one lasts nearly as long. */
const abandoned = 3_600_000;

/**
 * A new directory for temporary files, whose name begins with `prefix`; its absolute path. Those of the same name that a process which was killed has left are removed first:
 * nobody else would, and a checkout may have a gigabyte.
 */
export async function makeScratchDirectory(prefix: string): Promise<string> {
  const root = tmpdir();
  for (const name of await readdir(root)) if (name.startsWith(prefix)) await removeAbandoned(path.join(root, name));
  return mkdtemp(path.join(root, prefix));
}

async function removeAbandoned(directory: string): Promise<void> {
  try {
    if (Date.now() - (await stat(directory)).mtimeMs > abandoned) await rm(directory, { recursive: true, force: true });
  } catch {
    // It is gone just now, or somebody else's.
  }
}
