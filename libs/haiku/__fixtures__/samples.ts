import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../embedded/project-root.js';

/** Files that Haiku's own tools made, of invented contents. */
export function sample(name: string): Buffer {
  return readFileSync(path.join(projectRoot(), 'libs/haiku/__fixtures__/samples', name));
}
