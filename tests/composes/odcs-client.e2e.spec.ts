import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { odcsCompose, odcsComposeDetail, odcsComposeList } from '../../apps/gateway/odcs/odcs-schemas.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { startComposeService } from './compose-service.js';
import type { ComposeService } from './compose-service.js';
import { odcsClientPython } from './odcs-client.js';

const run = promisify(execFile);
/** The service may fetch from this one address of the machine. */
const originAddress = '127.0.0.2';

let python: string;
let service: ComposeService;
let repository: string;
let silent: Server;
let stuck: string;
const sockets = new Set<Socket>();

beforeAll(async () => {
  python = await odcsClientPython();
  silent = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
  }).listen(0, originAddress);
  await once(silent, 'listening');
  stuck = `http://${originAddress}:${(silent.address() as AddressInfo).port}/repo`;
  service = await startComposeService({ MILLRACE_COMPOSE_ALLOW_DESTINATIONS: `${originAddress}/32` });
  repository = path.join(service.repositories, 'sample');
  mkdirSync(repository, { recursive: true });
  for (const compression of ['gzip', 'zstd']) cpSync(path.join(projectRoot(), `libs/rpm/__fixtures__/millrace-sample-${compression}.rpm`), path.join(repository, `${compression}.rpm`));
  buildPackages(repository, [{ name: 'hello', arch: 'noarch' }]);
  await run('createrepo_c', ['--quiet', repository]);
}, 600_000);
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await service.stop();
});

interface CommandRun {
  readonly code: number;
  readonly stdout: string;
}

async function odcs(...args: readonly string[]): Promise<CommandRun> {
  const command = [`${service.url}/`, ...args];
  try {
    const { stdout } = await run(python, ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', ...command], { env: { ...process.env, OTEL_SDK_DISABLED: 'true' } });
    return { code: 0, stdout };
  } catch (error) {
    const { code = 1, stdout = '' } = error as { code?: number; stdout?: string };
    return { code, stdout };
  }
}

async function api(method: string, place: string, body?: object): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const answer = await fetch(`${service.url}/api/1/${place}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

async function finished(id: unknown): Promise<Record<string, unknown>> {
  for (;;) {
    const { json } = await api('GET', `composes/${String(id)}?wait=30`);
    if (json['state_name'] !== 'wait' && json['state_name'] !== 'generating') return json;
  }
}

const request = { source: { type: 'repo', source: '', packages: ['millrace-sample'] }, flags: ['no_deps'] };
const newCompose = (extra: object = {}): object => ({ ...request, source: { ...request.source, source: repository, ...extra } });

describe('ODCS’s own client library', () => {
  it('requests, waits, watches, finds, renews, cancels and deletes', async () => {
    const { stdout } = await run(python, [path.join(projectRoot(), 'tests/composes/__fixtures__/odcs_client.py'), `${service.url}/`, repository, stuck], { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, OTEL_SDK_DISABLED: 'true' } });
    const seen = JSON.parse(stdout.slice(stdout.indexOf('{"about"'))) as Record<string, Record<string, unknown>>;
    expect(seen['about']).toMatchObject({ auth_backend: 'noauth' });
    expect(odcsCompose.parse(seen['requested'])).toMatchObject({ state_name: 'wait', label: 'RC-1.0', compose_type: 'ci', flags: ['no_deps'], packages: 'millrace-sample' });
    const done = odcsComposeDetail.parse(seen['done']);
    expect(done).toMatchObject({ state_name: 'done', state_reason: 'Compose is generated successfully' });
    expect(seen['same']).toEqual(done);
    expect(seen['repo file']).toContain(`baseurl=${done.result_repo}/$basearch/os`);
    expect(seen['log']).toContain(`odcs-${done.id}-1`);
    // The same again: nothing is generated for it, and its addresses are those of the first.
    expect(seen['old way']).toMatchObject({ state_name: 'done', result_repo: done.result_repo });
    expect(odcsComposeList.parse(seen['found'])).toMatchObject({ items: [{ state_name: 'done' }], meta: { per_page: 1, prev: null } });
    expect(Date.parse(String(seen['extended']?.['time_to_expire']))).toBeGreaterThan(Date.parse(done.time_to_expire));
    expect(seen['relabelled']).toMatchObject({ state_name: 'done', label: 'RC-2.0', id: expect.not.stringMatching(`^${done.id}$`) });
    expect(seen['deleted']).toEqual({ status: 202, message: `The delete request for compose (id=${done.id}) has been accepted and will be processed by backend later.` });
    expect(seen['timeout']).toContain('timed out after 2 seconds');
    expect(seen['while stuck']).toMatchObject({ state_name: 'generating' });
    expect(seen['cancelled']).toMatchObject({ state_name: 'failed', state_reason: 'Canceled by anonymous' });
    expect(seen['failed']).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('no-such-package') });
    const reason = (text: string): object => ({ status: 400, body: { status: 400, error: 'Bad Request', message: expect.stringContaining(text) } });
    expect(seen['refused']).toEqual({ tag: reason('Koji'), module: reason('Koji'), pulp: reason('Pulp'), raw_config: reason('Pungi'), build: reason('Koji'), flag: reason('Unknown flag') });
    const gone = await finished(done.id);
    expect(['done', 'removed']).toContain(gone['state_name']);
  }, 120_000);
});

describe('ODCS’s command line', () => {
  it('about, get, wait, renew and delete', async () => {
    const { json } = await api('POST', 'composes/', newCompose());
    const id = String(json['id']);
    const parsed = (result: CommandRun): Record<string, unknown> => {
      expect(result).toMatchObject({ code: 0 });
      return JSON.parse(result.stdout.slice(result.stdout.indexOf('{'))) as Record<string, unknown>;
    };
    expect(parsed(await odcs('about'))).toMatchObject({ auth_backend: 'noauth' });
    expect(parsed(await odcs('-q', 'wait', id))).toMatchObject({ state_name: 'done' });
    expect((await odcs('-q', 'wait', '--watch', id)).stdout).toContain(`odcs-`);
    expect(odcsComposeDetail.parse(parsed(await odcs('get', id))).state_name).toBe('done');
    expect(parsed(await odcs('-q', 'renew', id))).toMatchObject({ id: Number(id) });
    expect(parsed(await odcs('-q', 'renew', id, '--label', 'RC-3.0', '--seconds-to-live', '60'))).toMatchObject({ label: 'RC-3.0', state_name: 'done' });
    expect(parsed(await odcs('delete', id))).toMatchObject({ status: 202 });
  }, 120_000);

  it.each([
    ['create-tag', ['f40', 'bash', '--sigkey', 'FD431D51', '--sigkey', 'none', '--arch', 'x86_64'], 'Koji'],
    ['create-module', ['nodejs:18'], 'Koji'],
    ['create-pulp', ['content-set'], 'Pulp'],
    ['create-raw-config', ['name', 'commit'], 'Pungi'],
    ['create-build', ['bash-5.2-1'], 'Koji'],
    ['create', ['tag', 'f40'], 'Koji'],
  ])('%s is refused at once, with the reason', async (command, args, reason) => {
    const { code, stdout } = await odcs('--no-wait', command, ...args);
    expect(code).toBe(255);
    expect(stdout).toContain(reason);
  });

  it('says so when a compose failed', async () => {
    const { json } = await api('POST', 'composes/', newCompose({ packages: ['no-such-package'] }));
    const { code, stdout } = await odcs('-q', 'wait', String(json['id']));
    expect([code, stdout]).toEqual([1, expect.stringContaining('no-such-package')]);
  });
});

describe('a client that speaks plain HTTP, as atomic-reactor does', () => {
  it('posts without a media type, renews with other keys, and cancels', async () => {
    const first = await api('POST', 'composes/', newCompose({ sigkeys: ['FD431D51', ''] }));
    expect(first).toMatchObject({ status: 200, json: { sigkeys: 'FD431D51 ' } });
    expect(await finished(first.json['id'])).toMatchObject({ state_name: 'done' });
    const renewed = await api('PATCH', `composes/${String(first.json['id'])}`, { sigkeys: ['', 'FD431D51'] });
    expect(renewed).toMatchObject({ status: 200, json: { sigkeys: ' FD431D51' } });
    expect(renewed.json['id']).not.toBe(first.json['id']);
    expect(await finished(renewed.json['id'])).toMatchObject({ state_name: 'done' });

    const hanging = await api('POST', 'composes/', { source: { type: 'repo', source: stuck } });
    expect(await api('DELETE', `composes/${String(hanging.json['id'])}`)).toMatchObject({ status: 202 });
    expect(await finished(hanging.json['id'])).toMatchObject({ state_name: 'failed', state_reason: 'Canceled by anonymous' });
  }, 60_000);

  it('gets one compose for one key, however often and at once it asks', async () => {
    const ask = async (): Promise<unknown> => ((await (await fetch(`${service.url}/api/1/composes/`, { method: 'POST', headers: { 'idempotency-key': 'e2e-1' }, body: JSON.stringify(newCompose()) })).json()) as { id: number }).id;
    expect(new Set(await Promise.all(Array.from({ length: 8 }, ask))).size).toBe(1);
  });
});

describe('dnf', () => {
  it('installs from a compose, and from one that has its files from another', async () => {
    const [one, other] = await Promise.all([api('POST', 'composes/', newCompose({ packages: ['hello'] })), api('POST', 'composes/', newCompose({ packages: ['hello'] }))]);
    for (const { json } of [one, other]) {
      const compose = await finished(json['id']);
      const root = path.join(service.repositories, `root-${String(json['id'])}`);
      const reposdir = path.join(root, 'etc/repos');
      mkdirSync(reposdir, { recursive: true });
      await run('curl', ['--silent', '--show-error', '--fail', '--output', path.join(reposdir, 'compose.repo'), String(compose['result_repofile'])]);
      writeFileSync(path.join(root, 'dnf.conf'), '[main]\n');
      const settings = [`--setopt=reposdir=${reposdir}`, `--setopt=cachedir=${root}/cache`, `--setopt=logdir=${root}`, `--setopt=persistdir=${root}/persist`, '--setopt=varsdir=', '--setopt=pluginpath=', '--releasever=9', '--forcearch=x86_64'];
      await run('dnf', [`--config=${root}/dnf.conf`, '--quiet', '--assumeyes', `--installroot=${root}`, ...settings, 'install', 'hello']);
      const { stdout } = await run('rpm', ['--root', root, '--query', '--queryformat', '%{NAME}', 'hello']);
      expect(stdout).toBe('hello');
    }
  }, 120_000);
});
