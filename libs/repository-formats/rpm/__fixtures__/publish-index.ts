import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { WrittenIndex } from '../../package-format.js';

/** Puts the files of an index where they belong below a directory, in their order; `until`: so many of the switched ones. */
export function publishIndex(directory: string, { immutable, switched }: WrittenIndex, until = switched.length): void {
  for (const { path: file, content } of [...immutable, ...switched.slice(0, until)]) {
    const target = path.join(directory, file);
    mkdirSync(path.dirname(target), { recursive: true });
    if (Buffer.isBuffer(content)) writeFileSync(target, content);
    else copyFileSync(content.file, target);
  }
}
