import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { choosePort } from '../../libs/embedded/free-port.js';
import { runProgram } from '../run-program.js';
import { plainRun } from './measured-proxy.js';
import type { MeasuredProxy, ProxyStart } from './measured-proxy.js';

/** The least that Node's own modules can do: always there to compare with. */
export async function startBaseline({ folder, origin, signal }: ProxyStart): Promise<MeasuredProxy> {
  const port = await choosePort('127.0.0.1');
  const file = fileURLToPath(new URL('baseline-proxy.js', import.meta.url));
  const args = [file, String(port), origin.certificateFile, origin.keyFile, origin.authorityFile];
  const program = await runProgram({ command: process.execPath, args, port, logFile: path.join(folder, 'baseline.log'), signal });
  return {
    name: 'baseline',
    title: '30 lines of node:http and node:tls, SHA-256, no record, no credentials, one ready certificate',
    pids: () => [program.pid],
    databasePids: () => [],
    openRun: plainRun(port),
    stop: () => program.stop(),
  };
}
