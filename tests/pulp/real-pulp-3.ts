import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { choosePort } from '../../libs/embedded/free-port.js';
import { serverProcess, type ServerProcess } from '../../libs/testing/server-process.js';
import { createEmptyDatabase } from '../../libs/testing/test-database.js';
import { pythonTool } from '../server/python-tool.js';

export const pulpVersions = { pulpcore: '3.123.1', 'pulp-rpm': '3.39.4' } as const;

/** Pulp 3 itself, with its plugin for RPM packages: API, content server and one worker. */
export interface RealPulp3 {
  /** Without a slash at its end. */
  readonly url: string;
  /** Absolute path of a file with the password of `admin`. */
  readonly passwordFile: string;
  get(place: string): Promise<Record<string, unknown>>;
  /** Posts and waits for what Pulp does then. Answers the address of what was made. */
  create(place: string, body: object): Promise<string>;
  /** Answers its address. */
  uploadPackage(file: string): Promise<string>;
  stop(): Promise<void>;
}

const password = 'sesame';
const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;

export async function startRealPulp3(): Promise<RealPulp3> {
  const python = await pythonTool({ name: `pulp-${pulpVersions.pulpcore}-${pulpVersions['pulp-rpm']}`, requirements: Object.entries(pulpVersions).map(([name, version]) => `${name}==${version}`) });
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-pulp-3-'));
  const database = await createEmptyDatabase();
  const [apiPort, contentPort] = [await choosePort('127.0.0.1'), await choosePort('127.0.0.1')];
  const [url, content] = [`http://127.0.0.1:${apiPort}`, `http://127.0.0.1:${contentPort}`];
  const environment = { ...process.env, PULP_SETTINGS: writeSettings(home, content, database.url), DJANGO_SETTINGS_MODULE: 'pulpcore.app.settings' };
  const program = (name: string, module: string, args: readonly string[], answers: () => Promise<boolean>): ServerProcess =>
    serverProcess({ name, command: python, arguments: ['-c', `import sys; from ${module} as run; sys.argv[0] = ${JSON.stringify(name)}; run()`, ...args], directory: home, environment, group: true, log: path.join(home, `${name}.log`), answers });
  const status = (): Promise<{ readonly online_workers?: readonly unknown[] } | undefined> =>
    fetch(`${url}/pulp/api/v3/status/`).then(
      (answer) => answer.json() as Promise<object>,
      () => undefined,
    );
  const programs = [
    program('pulpcore-api', 'pulpcore.app.entrypoint import main', ['-b', `127.0.0.1:${apiPort}`, '-w', '1'], async () => (await status()) !== undefined),
    program('pulpcore-content', 'pulpcore.content.entrypoint import main', ['-b', `127.0.0.1:${contentPort}`, '-w', '1'], () => fetch(`${content}/pulp/content/`).then(() => true, () => false)),
    program('pulpcore-worker', 'pulpcore.tasking.entrypoint import worker', [], async () => ((await status())?.online_workers ?? []).length > 0),
  ];

  async function stop(): Promise<void> {
    await Promise.all(programs.map((each) => each.kill()));
    await database.drop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    const prepare = ['import django; django.setup()', 'from django.core.management import call_command', "call_command('migrate', interactive=False, verbosity=0)", `call_command('reset-admin-password', password=${JSON.stringify(password)})`];
    await promisify(execFile)(python, ['-c', prepare.join('\n')], { env: environment, cwd: home, maxBuffer: 64 * 1024 ** 2 });
    await Promise.all(programs.map((each) => each.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, passwordFile: path.join(home, 'password'), ...createCalls(url), stop };
}

function createCalls(url: string): Pick<RealPulp3, 'get' | 'create' | 'uploadPackage'> {
  async function call(place: string, body?: string | FormData): Promise<Record<string, unknown>> {
    const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    const answer = await fetch(place.startsWith('/') ? `${url}${place}` : `${url}/pulp/api/v3/${place}`, { headers: { authorization, ...type }, ...(body === undefined ? {} : { method: 'POST', body }) });
    if (!answer.ok) throw new Error(`Pulp answers ${place} with ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  }

  return {
    get: call,
    async create(place, body) {
      const { task: started, pulp_href: made } = await call(place, JSON.stringify(body));
      if (typeof started !== 'string') return String(made);
      for (;;) {
        const task = await call(started);
        if (task['state'] === 'failed') throw new Error(JSON.stringify(task['error']));
        if (task['state'] === 'completed') return String((task['created_resources'] as readonly unknown[])[0]);
        await sleep(50);
      }
    },
    async uploadPackage(file) {
      const form = new FormData();
      form.set('file', await openAsBlob(file), path.basename(file));
      return String((await call('content/rpm/packages/upload/', form))['pulp_href']);
    },
  };
}

/** Answers its absolute path. */
function writeSettings(home: string, content: string, databaseUrl: string): string {
  const { hostname, port, username, password: secret, pathname } = new URL(databaseUrl);
  for (const folder of ['media', 'tmp']) mkdirSync(path.join(home, folder));
  writeFileSync(path.join(home, 'key'), `${randomBytes(32).toString('base64url')}=`);
  writeFileSync(path.join(home, 'password'), password);
  const settings = {
    CONTENT_ORIGIN: content,
    SECRET_KEY: randomBytes(25).toString('hex'),
    DATABASES: { default: { ENGINE: 'django.db.backends.postgresql', NAME: pathname.slice(1), USER: decodeURIComponent(username), PASSWORD: decodeURIComponent(secret), HOST: hostname, PORT: Number(port) } },
    DB_ENCRYPTION_KEY: path.join(home, 'key'),
    DEPLOY_ROOT: home,
    MEDIA_ROOT: path.join(home, 'media'),
    WORKING_DIRECTORY: path.join(home, 'tmp'),
    FILE_UPLOAD_TEMP_DIR: path.join(home, 'tmp'),
    STATIC_ROOT: path.join(home, 'static/'),
  };
  const file = path.join(home, 'settings.py');
  // What JSON says of these is Python, too.
  writeFileSync(file, [...Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`), 'CACHE_ENABLED = False', 'ANALYTICS = False', ''].join('\n'));
  return file;
}
