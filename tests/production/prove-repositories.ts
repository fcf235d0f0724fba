import path from 'node:path';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { installWithDnf } from './install-with-dnf.js';
import { millrace, type ProofContext } from './proof-context.js';
import type { StartedProcess } from './started-process.js';

/** A repository by the command line, installed from by dnf with its signature checked; and one change whose worker is killed. Answers the worker that runs then. */
export async function proveRepositories(context: ProofContext, worker: StartedProcess, restart: () => StartedProcess): Promise<StartedProcess> {
  const { directory, ports, report } = context;
  const packages = path.join(directory, 'packages');
  buildPackages(packages, [{ name: 'saucer', arch: 'noarch' }, { name: 'whisk', arch: 'noarch' }]);
  const fileOf = (name: string): string => path.join(packages, `${name}-1.0-1.noarch.rpm`);
  const install = (name: string): Promise<string> => installWithDnf(path.join(directory, `dnf-${name}`), `http://localhost:${ports.control}/repositories/pantry.repo`, name);
  await report.step('a package repository, published to and installed from by dnf', async () => {
    await millrace(context, ['repo', 'create', 'pantry', '--kind', 'rpm', '--key', 'default']);
    await millrace(context, ['repo', 'publish', 'pantry', fileOf('saucer')]);
    return install('saucer');
  });
  let next = worker;
  await report.step('kill -9 of the worker before a change of a repository', async () => {
    worker.kill('SIGKILL');
    await worker.ended;
    const publishing = millrace(context, ['repo', 'publish', 'pantry', fileOf('whisk')]);
    next = restart();
    await publishing;
    return install('whisk');
  });
  return next;
}
