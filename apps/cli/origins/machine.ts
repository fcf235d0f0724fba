import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../../../libs/settings/settings.js';

/** What the detectors may ask of the machine. Nothing here ever fails: what is not there, or too large, or too slow, is not there. */
export interface Machine {
  readonly environment: Environment;
  readonly home: string;
  readonly directory: string;
  /** What the command prints; undefined when it is not there, fails, or does not end in time. */
  run(command: string, parameters: readonly string[]): Promise<string | undefined>;
  /** A text file of at most 1 MiB. */
  read(file: string): Promise<string | undefined>;
  readBytes(file: string): Promise<Buffer | undefined>;
  /** Names in a folder, sorted. */
  list(directory: string): Promise<readonly string[]>;
}

const largest = 1024 * 1024;
const longest = 15_000;

export function thisMachine(environment: Environment, directory: string): Machine {
  const readBytes = async (file: string): Promise<Buffer | undefined> => {
    try {
      const { size } = await stat(file);
      return size > largest ? undefined : await readFile(file);
    } catch {
      return undefined;
    }
  };
  return {
    environment,
    directory,
    home: environment['HOME'] ?? environment['USERPROFILE'] ?? directory,
    readBytes,
    read: async (file) => (await readBytes(file))?.toString('utf8'),
    async list(folder) {
      try {
        return (await readdir(folder)).sort().slice(0, 1000);
      } catch {
        return [];
      }
    },
    run: (command, parameters) =>
      new Promise((resolve) => {
        // No input: a tool that asks a question gets no answer.
        const child = execFile(command, [...parameters], { cwd: directory, env: { ...environment, COMPOSER_ALLOW_SUPERUSER: '1', NO_COLOR: '1' }, timeout: longest, maxBuffer: largest, encoding: 'utf8' }, (error, output) => resolve(error === null ? output : undefined));
        child.stdin?.end();
      }),
  };
}

/** Every folder from the machine's working directory up to the root: where tools look for the configuration of a project. */
export function foldersUp({ directory }: Machine): readonly string[] {
  const folders: string[] = [];
  for (let folder = path.resolve(directory); ; folder = path.dirname(folder)) {
    folders.push(folder);
    if (folder === path.dirname(folder) || folders.length >= 64) return folders;
  }
}
