import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { choosePort } from '../../libs/embedded/free-port.js';
import { runProgram } from '../run-program.js';
import { plainRun } from './measured-proxy.js';
import type { MeasuredProxy, ProxyStart } from './measured-proxy.js';

/** mitmdump as it comes: it reads every exchange whole, prints nothing and keeps nothing. */
export async function startMitmproxy(executable: string, { folder, origin, signal }: ProxyStart): Promise<MeasuredProxy> {
  const port = await choosePort('127.0.0.1');
  const settings = [`confdir=${folder}`, `ssl_verify_upstream_trusted_ca=${origin.authorityFile}`];
  const args = ['-q', '--listen-host', '127.0.0.1', '--listen-port', String(port), ...settings.flatMap((setting) => ['--set', setting])];
  const program = await runProgram({ command: executable, args, port, logFile: path.join(folder, 'output.log'), signal });
  const version = /Mitmproxy: (\S+)/.exec(execFileSync(executable, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  return {
    name: 'mitmdump',
    title: `mitmdump ${version}: no record, hashes nothing, no credentials`,
    pids: () => [program.pid],
    databasePids: () => [],
    openRun: plainRun(port),
    stop: () => program.stop(),
  };
}
