import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A committed sample, made with `npm pack` and `pip wheel`. */
export function sampleFile(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, name));
}
