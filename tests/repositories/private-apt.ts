import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { aptCommand } from '../strict/apt-repository.js';

const run = promisify(execFile);

export interface AptOutcome {
  readonly code: number;
  readonly output: string;
}

/** A real apt-get with dpkg that installs into a root of its own. */
export interface PrivateApt {
  readonly root: string;
  apt(...parameters: readonly string[]): Promise<AptOutcome>;
}

/** One that has a single repository, and believes only this key. */
export function openPrivateApt(directory: string, { url, distribution, keyring }: { readonly url: string; readonly distribution: string; readonly keyring: Buffer }): PrivateApt {
  const keyFile = path.join(directory, keyring.includes('-----BEGIN') ? 'key.asc' : 'key.gpg');
  writeFileSync(keyFile, keyring);
  const [program = '', ...options] = aptCommand(directory, `deb [arch=amd64 signed-by=${keyFile}] ${url} ${distribution} main\n`);
  const root = path.join(directory, 'root');
  for (const name of ['var/lib/dpkg/info', 'var/lib/dpkg/updates']) mkdirSync(path.join(root, name), { recursive: true });
  const install = ['APT::Update::Error-Mode=any', `DPkg::Options::=--root=${root}`, 'DPkg::Options::=--force-not-root', 'DPkg::Options::=--force-unsafe-io', 'DPkg::Options::=--log=/dev/null', 'DPkg::Use-Pty=0'];
  return {
    root,
    apt(...parameters) {
      const all = [...options, ...install.flatMap((option) => ['-o', option]), '--yes', ...parameters];
      return run(program, all, { cwd: directory, env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } }).then(
        ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, output: error.stdout + error.stderr }),
      );
    },
  };
}
