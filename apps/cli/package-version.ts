import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The version in the package.json above this file, in the sources as in dist/. */
export function packageVersion(): string {
  for (let directory = import.meta.dirname; ; directory = path.dirname(directory)) {
    const file = path.join(directory, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
    if (directory === path.dirname(directory)) return 'unknown';
  }
}
