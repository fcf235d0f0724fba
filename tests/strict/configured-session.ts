import { spawn } from 'node:child_process';
import type { ClientService } from '../clients/client-service.js';
import { readReport, type SessionReport } from '../clients/session-report.js';

export interface ConfiguredSession {
  /** `inspectors-configuration`, as builders give it to the control API. */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The commands, one after the other, as long as they succeed; given the proxy's URL with its credentials. */
  readonly commands: (proxy: string) => readonly (readonly string[])[];
  readonly directory: string;
}

/** Runs commands in a strict session with a configuration of its own, opened by the control API as fetch-service has it. Gives the last exit code. */
export async function runConfigured(service: ClientService, { configuration, commands, directory }: ConfiguredSession): Promise<{ readonly report: SessionReport; readonly exitCode: number; readonly output: string }> {
  const control = async (method: string, path: string, body?: object): Promise<string> => {
    const headers = { authorization: `Basic ${Buffer.from(service.controlAuth).toString('base64')}`, 'content-type': 'application/json' };
    const response = await fetch(service.addresses.control + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  };
  const { id, token } = JSON.parse(await control('POST', '/session', { policy: 'strict', 'inspectors-configuration': configuration })) as { id: string; token: string };
  const proxy = new URL(service.addresses.proxy);
  proxy.username = id;
  proxy.password = token;
  let exitCode = 0;
  let output = '';
  for (const command of commands(proxy.href)) {
    const run = await runCommand(command, directory);
    output += run.output;
    exitCode = run.exitCode;
    if (exitCode !== 0) break;
  }
  await control('DELETE', `/session/${id}/token`, { token });
  const report = readReport(await control('GET', `/session/${id}`));
  await control('DELETE', `/session/${id}`);
  return { report, exitCode, output };
}

function runCommand([program = '', ...parameters]: readonly string[], directory: string): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? -1, output }));
  });
}
