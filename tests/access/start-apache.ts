import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { choosePort } from '../../libs/embedded/free-port.js';
import { awaitListening, endProgram } from '../../libs/testing/listening-program.js';

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
    await endProgram(apache, 'SIGTERM');
    rmSync(home, { recursive: true, force: true });
  };
  const said = (): string => ['stderr.log', 'error.log'].map((name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '')).join('\n');
  try {
    await awaitListening(apache, port, said);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, [Symbol.asyncDispose]: stop };
}
