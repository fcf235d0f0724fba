import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { EnvironmentFile } from './tool-files.js';

/** Writes the files of a build environment, readable by their owner only: they hold the session's token. */
export async function writeEnvironmentFiles(files: readonly EnvironmentFile[]): Promise<void> {
  for (const file of files) {
    await mkdir(path.dirname(file.path), { recursive: true, mode: 0o700 });
    await writeFile(file.path, file.content, { mode: 0o600 });
  }
}
