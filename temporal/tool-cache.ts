import { accessSync, constants, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Environment } from '../libs/settings/settings.js';

/** Where tools that were downloaded or made are kept, shared by all checkouts of this user. Works without HOME (a daemon's environment may be empty). */
export function toolCacheDirectory(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'];
  if (base !== undefined && path.isAbsolute(base)) return path.join(base, 'millrace');
  return path.join(userHome(environment), '.cache', 'millrace');
}

export function userHome(environment: Environment): string {
  return environment['HOME'] !== undefined && environment['HOME'] !== '' ? environment['HOME'] : os.userInfo().homedir;
}

/** Absolute path of `name` on PATH, or undefined. Without PATH the system's usual folders are looked through, as the C library does. */
export function findOnPath(name: string, environment: Environment): string | undefined {
  const folders = (environment['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(path.delimiter);
  return folders
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
