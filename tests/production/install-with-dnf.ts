import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { run } from './started-process.js';

/** Into an empty root in the folder `own`, with nothing of this machine but the program, by a `.repo` file that is served. Answers what files the package has. */
export async function installWithDnf(own: string, repoFile: string, name: string): Promise<string> {
  for (const folder of ['repos', 'cache', 'log', 'persist', 'vars', 'root']) mkdirSync(path.join(own, folder), { recursive: true });
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: own };
  const fetched = await run(['curl', '--silent', '--fail', '--output', path.join(own, 'repos', 'served.repo'), repoFile], { environment, cwd: own });
  if (fetched.code !== 0) throw new Error(`${repoFile}: curl ended with ${fetched.code}`);
  const places = [`reposdir=${own}/repos`, `cachedir=${own}/cache`, `logdir=${own}/log`, `persistdir=${own}/persist`, `varsdir=${own}/vars`];
  const options = ['-y', '-q', '--disableplugin=local', ...places.map((place) => `--setopt=${place}`), `--installroot=${own}/root`, '--releasever=1', '--forcearch=x86_64'];
  const { code, stdout, stderr } = await run(['dnf', ...options, 'install', name], { environment, cwd: own });
  if (code !== 0) throw new Error(`dnf ended with ${code}: ${stdout}${stderr}`);
  return readdirSync(path.join(own, 'root/usr/share/millrace')).join(', ');
}
