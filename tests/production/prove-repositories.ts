import path from 'node:path';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { installWithDnf } from './install-with-dnf.js';
import { millrace, type ProofContext } from './proof-context.js';
import type { StartedProcess } from './started-process.js';

/** Laid over the environment of gateway and worker: the ports are others here. */
export function repositoryChanges({ ports }: Pick<ProofContext, 'ports'>): Record<string, string> {
  return { MILLRACE_REPOSITORY_URL: `http://localhost:${ports.control}/repositories` };
}

/** A signed package repository by the command line, installed from by dnf; and a publication whose worker is killed. */
export async function proveRepositories(context: ProofContext, worker: StartedProcess, restart: () => StartedProcess): Promise<void> {
  const { directory, ports, report } = context;
  const built = path.join(directory, 'built');
  buildPackages(built, [{ name: 'pot' }, { name: 'pan' }]);
  const repo = async (...words: readonly string[]): Promise<string> => (await millrace(context, ['repo', ...words])).stdout;
  const install = (name: string): Promise<string> => installWithDnf(path.join(directory, `dnf-${name}`), `http://localhost:${ports.control}/repositories/stable.repo`, name);
  await report.step('a signed package repository, installed from by dnf', async () => {
    await repo('create', 'stable', '--kind', 'rpm', '--key', 'default');
    const said = await repo('publish', 'stable', path.join(built, 'pot-1.0-1.x86_64.rpm'));
    if (!said.startsWith('State 1.')) throw new Error(said);
    return install('pot');
  });
  await report.step('kill -9 of the worker while a package waits to be published', async () => {
    worker.kill('SIGKILL');
    await worker.ended;
    const published = repo('publish', 'stable', path.join(built, 'pan-1.0-1.x86_64.rpm'));
    restart();
    const said = await published;
    if (!said.startsWith('State 2.')) throw new Error(said);
    return install('pan');
  });
  await report.step('a check of the package repository', async () => (await repo('check', 'stable', '--deep')).split('\n', 1)[0]);
}
