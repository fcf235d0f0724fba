import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.js';
import type { UserIds } from './postgres-user.js';
import { isReachable, makePrivateFolder } from './postgres-user.js';

/** Where things go that the user postgres must reach when the home or the checkout lies below a folder that is closed to it. */
const sharedFolder = '/var/lib/millrace';

/** The folder of the cluster: `postgres` in the home, or, when the user cannot reach that, one in /var/lib/millrace that the home names. */
export function dataDirectory(home: string, user: UserIds | undefined, report: (message: string) => void): string {
  const inHome = path.join(home, 'postgres');
  if (user === undefined) {
    makePrivateFolder(inHome, undefined);
    return inHome;
  }
  const pointer = path.join(home, 'postgres-directory');
  if (!existsSync(pointer)) {
    // Passing through the home is harmless: what lies in it is private by itself (mode 0600 and 0700).
    chmodSync(home, 0o711);
    makePrivateFolder(inHome, user);
    if (isReachable(inHome, user)) return inHome;
    rmSync(inHome, { recursive: true });
    writeFileSync(pointer, path.join(sharedFolder, randomBytes(8).toString('hex')), { mode: 0o600 });
  }
  removeOrphans();
  const folder = readFileSync(pointer, 'utf8').trim();
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(path.join(folder, 'home'), home, { mode: 0o600 });
  makePrivateFolder(path.join(folder, 'postgres'), user);
  report(`PostgreSQL: the user postgres cannot reach ${home}; its data is in ${folder}/postgres`);
  return path.join(folder, 'postgres');
}

/** Data whose home was deleted or started anew goes too. */
function removeOrphans(): void {
  if (!existsSync(sharedFolder)) return;
  for (const name of readdirSync(sharedFolder).filter((entry) => /^[0-9a-f]{16}$/.test(entry))) {
    const folder = path.join(sharedFolder, name);
    const home = readOrUndefined(path.join(folder, 'home'));
    if (home === undefined) continue;
    if (readOrUndefined(path.join(home, 'postgres-directory')) !== folder && !existsSync(path.join(folder, 'postgres', 'postmaster.pid'))) rmSync(folder, { recursive: true, force: true });
  }
}

/** The programs as the user can reach them: copied, once, when the checkout is closed to it. */
export function reachableBinaries(binaries: PostgresBinaries, user: UserIds | undefined, report: (message: string) => void): PostgresBinaries {
  if (user === undefined || isReachable(binaries.postgres, user)) return binaries;
  const copy = path.join(sharedFolder, `postgresql-${binaries.version}`);
  if (!existsSync(copy)) {
    report(`PostgreSQL: the user postgres cannot reach ${binaries.folder}; copying the programs to ${copy}`);
    mkdirSync(sharedFolder, { recursive: true, mode: 0o755 });
    const staging = `${copy}.${process.pid}`;
    cpSync(binaries.folder, staging, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(staging, copy);
    } catch (error) {
      rmSync(staging, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // another server made it first
    }
  }
  const move = (file: string): string => path.join(copy, path.relative(binaries.folder, file));
  return { version: binaries.version, folder: copy, postgres: move(binaries.postgres), initdb: move(binaries.initdb) };
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
