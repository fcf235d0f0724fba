import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Installs a program of the npm registry, by its exact version, into a directory of the spec's own, outside of any session. Returns that directory. */
export async function installFromNpm(directory: string, specifier: string): Promise<string> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/.test(name)));
  await run('npm', ['install', '--prefix', directory, '--no-audit', '--no-fund', '--ignore-scripts', specifier], { env: environment });
  return path.join(directory, 'node_modules');
}

/** Makes a virtual environment with a program of the Python index in it, outside of any session. Returns the directory of its programs. */
export async function installFromPythonIndex(directory: string, specifier: string): Promise<string> {
  await run('python3', ['-m', 'venv', directory]);
  await run(path.join(directory, 'bin', 'pip'), ['install', '--quiet', '--no-input', specifier]);
  return path.join(directory, 'bin');
}
