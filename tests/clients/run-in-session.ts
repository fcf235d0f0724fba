import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';
import { projectRoot } from '../../libs/embedded/project-root.js';
import type { ClientService } from './client-service.js';
import { readReport } from './session-report.js';
import type { SessionReport } from './session-report.js';

export interface SessionCommand {
  readonly policy?: 'strict' | 'permissive';
  readonly command: readonly string[];
  readonly directory: string;
  /** More options of `millrace run`. */
  readonly options?: readonly string[];
  /** Laid over this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How the client must end; 0 unless told. */
  readonly exitCode?: number | 'not 0';
}

export interface SessionRun {
  readonly report: SessionReport;
  /** Of the client. */
  readonly stdout: string;
  /** Of the client and of `millrace run`. */
  readonly stderr: string;
}

/** Notes the session's proxy URL, so that the spec knows the credentials that must be nowhere, and becomes the client. */
const noteProxy = 'printf %s "$https_proxy" > "$MILLRACE_SPEC_PROXY_FILE" && env > "$MILLRACE_SPEC_PROXY_FILE.env" && exec "$@"';

/** Runs a client as `millrace run --report FILE -- <client>`; checks its exit code, that the report is valid and that no credentials are in it or in any output. */
export async function runInSession(service: ClientService, { policy = 'permissive', command, directory, options = [], environment = {}, exitCode = 0 }: SessionCommand): Promise<SessionRun> {
  const scratch = mkdtempSync(path.join(service.home, 'run-'));
  const reportFile = path.join(scratch, 'report.json');
  const proxyFile = path.join(scratch, 'proxy');
  const { code, stdout, stderr } = await run(
    [path.join(projectRoot(), 'dist/apps/cli/main.js'), 'run', '--policy', policy, '--report', reportFile, ...options, '--', 'sh', '-c', noteProxy, 'sh', ...command],
    directory,
    { ...inherited(), ...environment, MILLRACE_HOME: service.home, MILLRACE_CONTROL_AUTH: service.controlAuth, MILLRACE_SPEC_PROXY_FILE: proxyFile },
  );
  // Jest shows only the differing members of an object; what the client said is what tells why.
  if (exitCode === 'not 0' ? code === 0 : code !== exitCode) throw new Error(`the client ended with ${code}, not with ${exitCode}\n${stderr}\n${stdout}`);
  const text = readFileSync(reportFile, 'utf8');
  const report = readReport(text);
  expect(report.policy).toBe(policy);
  const proxy = new URL(readFileSync(proxyFile, 'utf8'));
  expect(proxy.username).toBe(report['session-id']);
  const control = service.controlAuth.split(':')[1] ?? '';
  expect(readFileSync(`${proxyFile}.env`, 'utf8')).not.toContain(control);
  for (const place of [text, stdout, stderr]) {
    for (const secret of [proxy.password, Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64'), control]) expect(place).not.toContain(secret);
  }
  return { report, stdout, stderr };
}

/** Without what `npm test` sets for its scripts, which would configure the npm under test, and without `CI`, at which some package managers change what they do. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|CI$|NODE_OPTIONS$|MILLRACE_|FETCH_SERVICE_)/.test(name)));
}

function run(parameters: readonly string[], directory: string, environment: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, parameters, { cwd: directory, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
