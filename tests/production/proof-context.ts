import path from 'node:path';
import type { Deployment, DeploymentPorts } from './deployment.js';
import type { ProofReport } from './proof-report.js';
import { run } from './started-process.js';
import type { StartedProcess } from './started-process.js';

export interface ProofContext {
  readonly deployment: Deployment;
  readonly directory: string;
  readonly ports: DeploymentPorts;
  readonly report: ProofReport;
  /** What is to be stopped at the end. */
  readonly running: StartedProcess[];
  readonly engine: StartedProcess;
}

/** The command line against this deployment. */
export async function millrace(
  context: ProofContext,
  args: readonly string[],
  control = context.ports.control,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { deployment, directory } = context;
  const environment = {
    ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MILLRACE|FETCH_SERVICE)_/.test(name))) as Record<string, string>),
    MILLRACE_SERVER: `http://localhost:${control}`,
    MILLRACE_CONTROL_AUTH_FILE: path.join(directory, 'secrets', 'control-auth'),
  };
  const { code, stdout, stderr } = await run([path.join(deployment.product, 'bin', 'millrace'), ...args], { environment, cwd: directory });
  if (code !== 0) throw new Error(`millrace ${args[0]} ended with ${code}: ${stderr.slice(-2000)}\n${deployment.logs}`);
  return { stdout, stderr };
}
