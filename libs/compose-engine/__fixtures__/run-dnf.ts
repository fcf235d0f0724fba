import { execFile } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** dnf with the repositories of one `.repo` file and nothing of this machine, in the directory `own`; it installs into `<own>/root`. Answers what it printed, and how it ended. */
export async function runDnf(own: string, repoFile: string, ...options: readonly string[]): Promise<{ readonly status: number; readonly output: string }> {
  for (const folder of ['repos', 'cache', 'log', 'persist', 'vars', 'root']) mkdirSync(path.join(own, folder), { recursive: true });
  cpSync(repoFile, path.join(own, 'repos', path.basename(repoFile)));
  const places = [`reposdir=${own}/repos`, `cachedir=${own}/cache`, `logdir=${own}/log`, `persistdir=${own}/persist`, `varsdir=${own}/vars`];
  const fixed = ['-y', '-q', '--disableplugin=local', ...places.map((place) => `--setopt=${place}`), `--installroot=${own}/root`, '--releasever=1', '--forcearch=x86_64'];
  try {
    return { status: 0, output: (await promisify(execFile)('dnf', [...fixed, ...options], { timeout: 60_000 })).stdout };
  } catch (error) {
    const { code: status, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status, output: stdout + stderr };
  }
}
