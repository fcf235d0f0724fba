import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { choosePort } from '../../libs/embedded/free-port.js';
import { onPath } from '../../tests/on-path.js';
import { runProgram } from '../run-program.js';
import type { CacheSubject } from './cache-subject.js';
import type { CacheStart } from './start-millrace-cache.js';

/** buildbox-casd with a folder of its own; undefined where there is none. */
export async function startCasd(casd: string | undefined, { folder, signal }: CacheStart): Promise<CacheSubject | undefined> {
  const command = casd ?? (onPath('buildbox-casd') ? 'buildbox-casd' : undefined);
  if (command === undefined) return undefined;
  const port = await choosePort('127.0.0.1');
  const store = path.join(folder, 'casd');
  mkdirSync(store);
  const program = await runProgram({ command, args: [`--bind=127.0.0.1:${port}`, '--log-level=error', store], port, logFile: path.join(folder, 'casd.log'), signal });
  return {
    name: 'buildbox-casd',
    title: 'a file for each blob, no record, anybody may push',
    grpc: `127.0.0.1:${port}`,
    pids: (of) => (of === 'grpc' ? [program.pid] : []),
    databasePids: () => [],
    stop: () => program.stop(),
  };
}
