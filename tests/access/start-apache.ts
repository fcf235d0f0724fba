import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { choosePort } from '../../libs/embedded/free-port.js';

export interface TestApache extends AsyncDisposable {
  readonly port: number;
}

export interface TestApacheOptions {
  /** Inside the server's only location. */
  readonly directives: string;
  readonly environment: NodeJS.ProcessEnv;
}

const modulesFolder = '/usr/lib/apache2/modules';
const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_gssapi', 'proxy', 'proxy_http', 'headers'];

/** Debian's Apache with mod_auth_gssapi, in front of something else. */
export async function startApache({ directives, environment }: TestApacheOptions): Promise<TestApache> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-apache-'));
  const at = (name: string): string => path.join(home, name);
  const port = await choosePort('127.0.0.1');
  const isRoot = process.getuid?.() === 0;
  // Its children are another user, where it has to be started by root.
  chmodSync(home, 0o755);
  mkdirSync(at('replays'));
  chmodSync(at('replays'), 0o777);
  const loaded = modules.filter((name) => existsSync(path.join(modulesFolder, `mod_${name}.so`)));
  writeFileSync(
    at('apache.conf'),
    `ServerRoot ${home}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${at('pid')}
ErrorLog ${at('error.log')}
LogLevel warn
${loaded.map((name) => `LoadModule ${name}_module ${modulesFolder}/mod_${name}.so`).join('\n')}
${isRoot ? 'User nobody\nGroup nogroup' : ''}
<Location "/">
${directives}
</Location>
`,
  );
  const apache = spawn('apache2', ['-f', at('apache.conf'), '-DFOREGROUND'], { cwd: home, env: { ...environment, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, KRB5RCACHEDIR: at('replays') }, stdio: ['ignore', 'ignore', 'pipe'] });
  apache.stderr.on('data', (chunk: Buffer) => writeFileSync(at('stderr.log'), chunk, { flag: 'a' }));
  const stop = async (): Promise<void> => {
    if (apache.exitCode === null && apache.signalCode === null) {
      const gone = new Promise((resolve) => apache.once('exit', resolve));
      apache.kill('SIGTERM');
      await gone;
    }
    rmSync(home, { recursive: true, force: true });
  };
  const deadline = performance.now() + 20_000;
  while (!(await accepts(port))) {
    if (apache.exitCode !== null || performance.now() > deadline) {
      const said = ['stderr.log', 'error.log'].map((name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '')).join('\n');
      await stop();
      throw new Error(`apache2 does not start:\n${said.slice(-2000)}`);
    }
    await pause(50);
  }
  return { port, [Symbol.asyncDispose]: stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
