import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { choosePort } from '../../libs/embedded/free-port.js';
import { openCertificateAuthority } from '../../libs/proxy/tls/certificate-authority.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { joinClientService, originAddress } from '../clients/client-service.js';
import type { ClientService } from '../clients/client-service.js';
import { awaitResult, processesOf, runProgram } from '../server/run-program.js';
import type { RunningProgram } from '../server/run-program.js';
import { until } from './until.js';

/** The whole service under a supervisor of its own, which a spec may kill. */
export interface FaultService extends ClientService {
  /** Process id of the part, waited for while it is being started again. */
  pidOf(name: string): Promise<number>;
  /** kill -9; resolves when the part runs again and the gateway is ready. */
  killPart(name: string): Promise<void>;
  /** kill -9 of the supervisor, and a new one on the same home and ports. */
  killSupervisor(): Promise<void>;
  /** What our own processes and the supervisor have logged. */
  logLines(): readonly string[];
}

export interface FaultServiceOptions {
  readonly proxies: number;
  /** Settings besides those that every such service has. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startFaultService({ proxies, settings = {} }: FaultServiceOptions): Promise<FaultService> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-faults-'));
  const authority = openCertificateAuthority({ home: path.join(home, 'origins') });
  // What is set for a service of the developer's own must not lead to it.
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MILLRACE_(?!TEMPORAL_SERVER$)|FETCH_SERVICE_)/.test(name)));
  const environment = {
    ...inherited,
    MILLRACE_HOME: home,
    // Fixed, so that a new supervisor listens where the build expects it.
    MILLRACE_CONTROL_PORT: String(await choosePort('localhost')),
    MILLRACE_PROXY_PORT: String(await choosePort('localhost')),
    MILLRACE_CACHE_PORT: String(await choosePort('localhost')),
    MILLRACE_PROXY_PROCESSES: String(proxies),
    MILLRACE_PERMISSIVE: '1',
    MILLRACE_ALLOW_DESTINATIONS: `${originAddress}/32`,
    MILLRACE_UPSTREAM_CA: authority.certificateFile,
    ...settings,
  };
  const supervise = async (): Promise<RunningProgram> => {
    const program = runProgram(process.execPath, [path.join(projectRoot(), 'dist/apps/server/main.js')], { environment, cwd: projectRoot() });
    await awaitResult(program, () => (program.output().stdout.includes('\n') ? true : undefined));
    return program;
  };
  let supervisor = await supervise();
  const service = joinClientService(home);
  const currentPid = (name: string): number | undefined => processesOf(home).find((each) => each.name === name)?.pid;
  const ready = async (): Promise<void> => {
    await until(() => fetch(`${service.addresses.control}/readyz`).then(({ status }) => status === 200, () => false));
  };
  return {
    ...service,
    pidOf: (name) => until(() => currentPid(name)),
    async killPart(name) {
      const before = await until(() => currentPid(name));
      process.kill(before, 'SIGKILL');
      await until(() => ![undefined, before].includes(currentPid(name)));
      await ready();
    },
    async killSupervisor() {
      supervisor.child.kill('SIGKILL');
      await supervisor.ended;
      supervisor = await supervise();
    },
    logLines: () => [...readdirSync(path.join(home, 'logs')).filter((name) => /^(gateway|worker|proxy)/.test(name)).flatMap((name) => readFileSync(path.join(home, 'logs', name), 'utf8').split('\n')), ...supervisor.output().stderr.split('\n')],
    async stop() {
      supervisor.child.kill('SIGTERM');
      await supervisor.ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}
