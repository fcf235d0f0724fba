import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolCacheDirectory } from '../../temporal/tool-cache.js';

export interface PythonTool {
  /** Of the folder in the tool cache, with the version: another content needs another name. */
  readonly name: string;
  /** As pip takes them. */
  readonly requirements: readonly string[];
  /** Modules written beside them: file name to text. */
  readonly modules?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/**
 * Python of an environment with a tool, made from pip's configured index when the cache has none. Takes a minute then. Run modules with it: the environment is
 * moved when it is whole, and its programs name the place where they were made.
 */
export async function pythonTool({ name, requirements, modules = {} }: PythonTool): Promise<string> {
  const folder = path.join(toolCacheDirectory(process.env), name);
  const python = path.join(folder, 'bin/python');
  if (existsSync(python)) return python;
  mkdirSync(path.dirname(folder), { recursive: true });
  const staging = mkdtempSync(`${folder}.`);
  try {
    await run('python3', ['-m', 'venv', staging]);
    const staged = path.join(staging, 'bin/python');
    await run(staged, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements]);
    const { stdout } = await run(staged, ['-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])']);
    for (const [file, text] of Object.entries(modules)) writeFileSync(path.join(stdout.trim(), file), text);
    renameSync(staging, folder);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(python)) throw error; // another run made it first
  }
  return python;
}
