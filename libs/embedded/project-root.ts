import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';

/** The folder with package.json: this file runs from the sources (jest) and from dist. */
export function projectRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new MillraceError('start-failed', 'the project folder with package.json was not found');
    folder = parent;
  }
  return folder;
}
