import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolCacheDirectory } from '../../temporal/tool-cache.js';

const version = '7.5.0';

/** Python of an environment with Canonical's craft-application, made from pip's configured index when the cache has none. Takes a minute then. */
export async function craftApplicationPython(): Promise<string> {
  const folder = path.join(toolCacheDirectory(process.env), `craft-application-${version}`);
  const python = path.join(folder, 'bin/python');
  if (existsSync(python)) return python;
  mkdirSync(path.dirname(folder), { recursive: true });
  const staging = mkdtempSync(`${folder}.`);
  try {
    await promisify(execFile)('python3', ['-m', 'venv', staging]);
    await promisify(execFile)(path.join(staging, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `craft-application==${version}`]);
    renameSync(staging, folder);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(python)) throw error; // another run made it first
  }
  return python;
}
