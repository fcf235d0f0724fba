import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';

/** The directory that a path means, links followed. Errors: `forbidden` (not below one of `sourcePaths`), `source-invalid` (none). */
export async function findLocalRepository(directory: string, sourcePaths: readonly string[]): Promise<string> {
  const outside = new MillraceError('forbidden', `${directory} is not below a path that this service may read git repositories from: MILLRACE_COMPOSE_SOURCE_PATHS names them`, { suggestion: 'Name its place in MILLRACE_COMPOSE_SOURCE_PATHS.' });
  const roots = await Promise.all(sourcePaths.map((root) => realpath(root).catch(() => path.resolve(root))));
  // Before anything is looked at, so that nobody learns what exists elsewhere.
  if (![...roots, ...sourcePaths].some((root) => isBelow(root, directory))) throw outside;
  const real = await realpath(directory).catch(() => undefined);
  if (real === undefined || !(await stat(real)).isDirectory()) throw new MillraceError('source-invalid', `the git repository ${directory} does not exist`);
  if (!roots.some((root) => isBelow(root, real))) throw outside;
  return real;
}

function isBelow(root: string, place: string): boolean {
  const relative = path.relative(root, place);
  return relative !== '..' && !relative.startsWith('../') && !path.isAbsolute(relative);
}
