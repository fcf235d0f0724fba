import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../embedded/project-root.js';

const programs = ['pungi-koji', 'pungi-config-dump', 'pungi-config-validate', 'lorax'] as const;

/** Puts fakes of Pungi's programs, by their real names, in front of a search path. They are run as the real ones are, and write real repositories. */
export function installFakePungi(directory: string, searchPath = process.env['PATH'] ?? '', wanted: readonly (typeof programs)[number][] = programs): string {
  mkdirSync(directory, { recursive: true });
  for (const name of wanted) symlinkSync(path.join(projectRoot(), 'libs/testing/fake-pungi', `fake-${name}`), path.join(directory, name));
  return `${directory}${path.delimiter}${searchPath}`;
}
