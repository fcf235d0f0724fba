import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { buildPackages, indexPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { millrace, type ProofContext } from './proof-context.js';
import { run, until } from './started-process.js';
import type { StartedProcess } from './started-process.js';

/** Where the deployment may read repositories; laid over the environment of gateway and worker. */
export function composeChanges({ directory, ports }: Pick<ProofContext, 'directory' | 'ports'>): Record<string, string> {
  return { MILLRACE_COMPOSE_SOURCE_PATHS: repositoriesOf(directory), MILLRACE_COMPOSE_URL: `http://localhost:${ports.control}/composes` };
}

const repositoriesOf = (directory: string): string => path.join(directory, 'repositories');

interface Compose {
  readonly id: number;
  readonly state_name: string;
  readonly result_repofile: string;
}

/** A compose by the command line, installed from by dnf; and one whose worker is killed while it is made. */
export async function proveComposes(context: ProofContext, worker: StartedProcess, restart: () => StartedProcess): Promise<void> {
  const { directory, report } = context;
  const repository = path.join(repositoriesOf(directory), 'stable');
  mkdirSync(repositoriesOf(directory), { mode: 0o755 });
  buildPackages(repository, [{ name: 'kettle', requires: ['lid'] }, { name: 'lid' }, { name: 'spoon' }]);
  indexPackages(repository);
  const create = async (...options: readonly string[]): Promise<Compose> => JSON.parse((await millrace(context, ['compose', 'create', '--repo', repository, '--json', ...options])).stdout) as Compose;
  await report.step('a compose, installed from by dnf', async () => {
    const compose = await create('kettle');
    return `${compose.result_repofile}: ${await install(context, compose)}`;
  });
  await report.step('kill -9 of the worker while a compose waits', async () => {
    worker.kill('SIGKILL');
    await worker.ended;
    const { id } = await create('spoon', '--no-wait');
    restart();
    const done = await until(`compose ${id} is done`, async () => {
      const compose = JSON.parse((await millrace(context, ['compose', 'get', String(id), '--json'])).stdout) as Compose;
      return compose.state_name === 'done' ? compose : undefined;
    });
    return install(context, done, 'spoon');
  });
}

/** Into an empty root, with nothing of this machine but the program. */
async function install({ directory }: ProofContext, { id, result_repofile }: Compose, name = 'kettle'): Promise<string> {
  const own = path.join(directory, `dnf-${id}`);
  for (const folder of ['repos', 'cache', 'log', 'persist', 'vars', 'root']) mkdirSync(path.join(own, folder), { recursive: true });
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: own };
  const fetched = await run(['curl', '--silent', '--fail', '--output', path.join(own, 'repos', 'compose.repo'), result_repofile], { environment, cwd: own });
  if (fetched.code !== 0) throw new Error(`${result_repofile}: curl ended with ${fetched.code}`);
  const places = [`reposdir=${own}/repos`, `cachedir=${own}/cache`, `logdir=${own}/log`, `persistdir=${own}/persist`, `varsdir=${own}/vars`];
  const options = ['-y', '-q', '--disableplugin=local', ...places.map((place) => `--setopt=${place}`), `--installroot=${own}/root`, '--releasever=1', '--forcearch=x86_64'];
  const { code, stdout, stderr } = await run(['dnf', ...options, 'install', name], { environment, cwd: own });
  if (code !== 0) throw new Error(`dnf ended with ${code}: ${stdout}${stderr}`);
  return readdirSync(path.join(own, 'root/usr/share/millrace')).join(', ');
}
