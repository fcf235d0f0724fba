import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { findOnPath, isExecutable, toolCacheDirectory } from '../../temporal/tool-cache.js';
import type { PeerName } from '../bench-options.js';

const systemFolders = '/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin';

/** Executable of a peer: as named, on PATH, or in the environment that `installPeers` makes. */
export function findPeer(name: PeerName, named: string | undefined): string | undefined {
  if (named !== undefined) {
    if (!isExecutable(named)) throw new MillraceError('tool-not-found', `--peers: ${named} is not an executable file`);
    return named;
  }
  const onPath = findOnPath(name, { PATH: `${process.env['PATH'] ?? ''}:${systemFolders}` });
  const cached = path.join(mitmproxyEnvironment(), 'bin', name);
  return onPath ?? (isExecutable(cached) ? cached : undefined);
}

/** Debian packages for the whole machine (needs root), mitmproxy into a Python environment in the user's cache. */
export function installPeers(missing: readonly PeerName[], onProgress: (message: string) => void): void {
  if (missing.includes('squid')) {
    onProgress('apt-get install squid-openssl nginx-light');
    // The packages would start servers of their own; RUNLEVEL=1 tells Debian's scripts not to.
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    run(['apt-get', 'update'], environment);
    run(['apt-get', 'install', '-y', '--no-install-recommends', 'squid-openssl', 'nginx-light'], environment);
  }
  if (missing.includes('mitmdump')) {
    onProgress(`pip install mitmproxy (into ${mitmproxyEnvironment()})`);
    run(['python3', '-m', 'venv', mitmproxyEnvironment()], process.env);
    run([path.join(mitmproxyEnvironment(), 'bin', 'pip'), 'install', '--quiet', 'mitmproxy'], process.env);
  }
}

function mitmproxyEnvironment(): string {
  return path.join(toolCacheDirectory(process.env), 'bench', 'mitmproxy');
}

function run([command = '', ...args]: readonly string[], environment: NodeJS.ProcessEnv): void {
  const { status, stderr, error } = spawnSync(command, args, { env: environment, encoding: 'utf8', timeout: 600_000 });
  if (status !== 0) throw new MillraceError('tool-not-found', `${command} ${args.join(' ')} failed: ${error?.message ?? stderr.trim().split('\n').slice(-3).join('\n')}`, { cause: error });
}
