import { link, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import ssh2 from 'ssh2';

/** The key that clients know this service by: made once, in its home, for its user alone. */
export async function sshHostKey(home: string): Promise<string> {
  const file = path.join(home, 'cache-ssh-host-key');
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined) return found;
  const made = path.join(home, `.cache-ssh-host-key-${process.pid}`);
  try {
    await writeFile(made, ssh2.utils.generateKeyPairSync('ed25519', { comment: 'millrace artifact cache' }).private, { mode: 0o600 });
    // Whole or not at all, and never in the place of one that another process has just made.
    await link(made, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(made, { force: true });
  }
  return readFile(file, 'utf8');
}
