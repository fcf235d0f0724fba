import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { installFakePungi } from '../../libs/testing/fake-pungi/install-fake-pungi.js';
import { git, startGitServer, type GitServer } from '../../libs/testing/start-git-server.js';
import { startFaultService, type FaultService } from '../faults/fault-service.js';
import { until } from '../faults/until.js';
import { odcsClientPython } from '../composes/odcs-client.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-pungi-service-'));
const configurations = path.join(directory, 'git', 'configurations');
const gate = path.join(directory, 'gate');
let python: string;
let server: GitServer;
let service: FaultService;

const config = (more = ''): string => `release_name = "Kitchen"\nrelease_short = "Kitchen"\nrelease_version = "1.0"\nfake_packages = {"Server": {"x86_64": ["${directory}/rpms/hello-1.0-1.noarch.rpm"]}}\n${more}`;

function commit(file: string, content: string): string {
  writeFileSync(path.join(configurations, file), content);
  git(configurations, 'add', '--all');
  git(configurations, 'commit', '--quiet', '--message', file);
  return git(configurations, 'rev-parse', 'HEAD');
}

beforeAll(async () => {
  python = await odcsClientPython();
  mkdirSync(configurations, { recursive: true });
  git(configurations, 'init', '--quiet', '--initial-branch=main');
  buildPackages(path.join(directory, 'rpms'), [{ name: 'hello', arch: 'noarch' }]);
  commit('kitchen.conf', config());
  commit('slow.conf', config(`fake_wait_for = "${gate}"\n`));
  commit('family.conf', config(`fake_family = True\nfake_wait_for = "${gate}"\n`));
  server = await startGitServer(path.join(directory, 'git'));
  const place = `url: ${server.url}/configurations/.git`;
  const file = path.join(directory, 'pungi.yaml');
  writeFileSync(path.join(directory, 'password'), 'the password of git');
  writeFileSync(path.join(directory, 'wrapper.conf'), 'from raw_config import *\npkgset_koji_builds = {{ compose.builds | split: " " | literal }}\n');
  writeFileSync(
    file,
    `pungi: { wrapper: ${directory}/wrapper.conf }\nraw-configs:\n  kitchen: { ${place}, config-filename: kitchen.conf, username: millrace, password: { file: ${directory}/password }, seconds-to-live: 600, max-seconds-to-live: 700 }\n  slow: { ${place}, config-filename: slow.conf }\n  family: { ${place}, config-filename: family.conf }\n  short: { ${place}, config-filename: family.conf, timeout: 3 }\n`,
  );
  const searchPath = installFakePungi(path.join(directory, 'bin'));
  service = await startFaultService({ proxies: 1, settings: { PATH: searchPath, MILLRACE_PUNGI: file, MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.1/32' } });
}, 600_000);
afterAll(async () => {
  await service?.stop();
  await server?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

const command = (...args: readonly string[]): string[] => ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', `${service.addresses.control}/`, ...args];
const environment = { ...process.env, OTEL_SDK_DISABLED: 'true' };

/** What the command prints at last; it waits until the compose is made. */
async function odcs(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(python, command('-q', ...args), { env: environment });
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, unknown>;
}

const api = async (place: string, init: RequestInit = {}): Promise<Record<string, unknown>> => (await (await fetch(`${service.addresses.control}/api/1/composes/${place}`, init)).json()) as Record<string, unknown>;
const ask = (name: string): Promise<Record<string, unknown>> => api('', { method: 'POST', body: JSON.stringify({ source: { type: 'raw_config', source: `${name}#main` }, compose_type: 'nightly' }) });

async function ended(id: unknown): Promise<Record<string, unknown>> {
  for (;;) {
    const compose = await api(`${String(id)}?wait=30`);
    if (compose['state_name'] !== 'wait' && compose['state_name'] !== 'generating') return compose;
  }
}

/** Of Pungi and all that it has started for a compose. */
function processesOf(id: unknown): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => {
    try {
      return Number.isInteger(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`MILLRACE_COMPOSE=odcs-${String(id)}`);
    } catch {
      return false;
    }
  });
}

describe('the command line of ODCS, on a service with configurations of Pungi', () => {
  it('makes a compose, and the very same configuration again when git has moved on', async () => {
    const first = await odcs('create-raw-config', 'kitchen', 'main', '--compose-type', 'production', '--label', 'RC-1.0', '--build', 'lid-1-1');
    expect(first).toMatchObject({ state_name: 'done', source: 'kitchen#main', source_type: 5, result_repo: '', compose_type: 'production', label: 'RC-1.0', builds: 'lid-1-1', pungi_compose_id: expect.stringMatching(/^Kitchen-1\.0-\d{8}\.0$/) });
    expect(server.asked.every(({ authorization }) => authorization === `Basic ${Buffer.from('millrace:the password of git').toString('base64')}`)).toBe(true);
    expect(Date.parse(String(first['time_to_expire'])) - Date.parse(String(first['time_done']))).toBe(600_000);
    const dump = (await odcs('get', String(first['id'])))['pungi_config_dump'];
    expect(JSON.parse(String(dump))).toMatchObject({ release_short: 'Kitchen', pkgset_koji_builds: ['lid-1-1'] });
    const repomd = await fetch(`${service.addresses.control}/composes/production/latest-Kitchen-1.0-RC-1.0/compose/Server/x86_64/os/repodata/repomd.xml`);
    expect([repomd.status, await repomd.text()]).toEqual([200, expect.stringContaining('<repomd')]);
    commit('kitchen.conf', 'release_name = "Other"\nrelease_short = "Other"\nrelease_version = "2"\n');
    const again = await odcs('renew', String(first['id']), '--label', 'RC-2.0', '--seconds-to-live', '9999');
    commit('kitchen.conf', config());
    expect(again).toMatchObject({ state_name: 'done', label: 'RC-2.0', respin_of: first['pungi_compose_id'], pungi_compose_id: String(first['pungi_compose_id']).replace(/0$/, '1') });
    expect(Date.parse(String(again['time_to_expire'])) - Date.parse(String(again['time_done']))).toBe(700_000);
    expect((await odcs('get', String(again['id'])))['pungi_config_dump']).toBe(dump);
    expect((await (await fetch(`${service.addresses.control}/composes/production/latest-Kitchen-1.0/COMPOSE_ID`)).text())).toBe(again['pungi_compose_id']);
  }, 120_000);

  it('shows the log of Pungi while that runs', async () => {
    const watching = spawn(python, command('--watch', 'create-raw-config', 'slow', 'main', '--compose-type', 'ci'), { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    watching.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const closed = new Promise((resolve) => watching.once('close', resolve));
    await until(() => said.includes('waiting'));
    writeFileSync(gate, '');
    expect(await closed).toBe(0);
    rmSync(gate);
    expect(said).toMatch(/COMPOSE_ID=Kitchen-1\.0-\d{8}\.ci\.0\n[^]*Compose finished/);
    expect(said).toContain('"state_name": "done"');
  }, 120_000);

  it('is told what is configured when it asks for something else', async () => {
    const refused = await odcs('create-raw-config', 'unknown', 'main').catch((error: { readonly stdout: string }) => error.stdout);
    expect(refused).toContain('there is no configuration of Pungi named');
  }, 60_000);
});

describe('Pungi, and all that it has started', () => {
  it('ends when the compose is cancelled', async () => {
    const { id } = await ask('family');
    await until(() => processesOf(id).length >= 3);
    await api(String(id), { method: 'DELETE' });
    expect(await ended(id)).toMatchObject({ state_name: 'failed', state_reason: expect.stringMatching(/^Canceled by /) });
    await until(() => processesOf(id).length === 0);
  }, 120_000);

  it('ends when its configuration gives it no more time', async () => {
    const { id } = await ask('short');
    expect(await ended(id)).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('longer than the 3 s') });
    expect(processesOf(id)).toEqual([]);
  }, 120_000);

  it('ends when the worker is killed -9, and another worker makes the compose', async () => {
    const { id } = await ask('family');
    await until(() => processesOf(id).length >= 3);
    const before = processesOf(id);
    await service.killPart('worker');
    await until(() => !processesOf(id).some((pid) => before.includes(pid)));
    await until(() => processesOf(id).length >= 3);
    writeFileSync(gate, '');
    expect(await ended(id)).toMatchObject({ state_name: 'done' });
    rmSync(gate);
    expect(processesOf(id)).toEqual([]);
    expect(service.logLines().filter((line) => /unhandled|uncaught|the password of git/i.test(line))).toEqual([]);
  }, 180_000);
});
