import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect } from '@jest/globals';
import { closeBuildSession, openBuildSession } from '../../apps/cli/build-session.js';
import { ControlClient } from '../../apps/cli/control-client.js';
import { basicAuthorization } from '../../apps/cli/service-address.js';
import type { ClientService } from '../clients/client-service.js';
import { readReport } from '../clients/session-report.js';
import type { SessionReport } from '../clients/session-report.js';

export interface ConfiguredCommand {
  /** `inspectors-configuration` of the session. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** How the client must end; 0 unless told. */
  readonly exitCode?: 0 | 'not 0';
}

/** Runs a client in a strict session whose inspectors are configured, which `millrace run` has no option for. */
export async function runConfigured(service: ClientService, run: ConfiguredCommand): Promise<{ readonly report: SessionReport; readonly stdout: string; readonly stderr: string }> {
  const client = new ControlClient({ control: service.addresses.control, authorization: basicAuthorization(service.controlAuth), source: 'the spec' });
  const wanted = { policy: 'strict' as const, 'inspectors-configuration': run.configuration };
  const session = await openBuildSession(client, wanted, { ...process.env, ...run.environment });
  const outcome = await runChild(run, session.environment).finally(() => closeBuildSession(client, session));
  const { exitCode = 0 } = run;
  expect({ ...outcome, code: exitCode === 'not 0' && outcome.code !== 0 ? exitCode : outcome.code }).toMatchObject({ code: exitCode });
  const report = readReport(await client.text({ method: 'GET', path: `/v1/sessions/${session.created.id}/report` }));
  expect(report.policy).toBe('strict');
  return { report, stdout: outcome.stdout, stderr: outcome.stderr };
}

async function runChild({ command: [program, ...parameters], directory }: ConfiguredCommand, environment: NodeJS.ProcessEnv): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(program, parameters, { cwd: directory, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
