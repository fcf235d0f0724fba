import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildPackages, indexPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { installWithDnf } from './install-with-dnf.js';
import { millrace, type ProofContext } from './proof-context.js';
import { until } from './started-process.js';
import type { StartedProcess } from './started-process.js';

/** Where the deployment may read repositories, and where clients find its own; laid over the environment of gateway and worker. */
export function composeChanges({ directory, ports }: Pick<ProofContext, 'directory' | 'ports'>): Record<string, string> {
  return { MILLRACE_COMPOSE_SOURCE_PATHS: repositoriesOf(directory), MILLRACE_COMPOSE_URL: `http://localhost:${ports.control}/composes`, MILLRACE_REPOSITORY_URL: `http://localhost:${ports.control}/repositories` };
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

const install = ({ directory }: ProofContext, { id, result_repofile }: Compose, name = 'kettle'): Promise<string> => installWithDnf(path.join(directory, `dnf-${id}`), result_repofile, name);
