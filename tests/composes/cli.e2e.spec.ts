import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { millrace } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import { odcsCompose } from '../../apps/gateway/odcs/odcs-schemas.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { startComposeService } from './compose-service.js';
import type { ComposeService } from './compose-service.js';

const secret = `whsec_${Buffer.from('the secret of the receiver').toString('base64')}`;

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let folder: string;
let service: ComposeService;
let receiver: Server;
let repository: string;
const deliveries: Delivery[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-compose-cli-'));
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      deliveries.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const file = path.join(folder, 'messages.yaml');
  writeFileSync(path.join(folder, 'secret'), secret);
  writeFileSync(file, `sinks: [{ name: receiver, type: webhook, url: "http://127.0.0.1:${(receiver.address() as AddressInfo).port}/", secrets: [{ file: ${path.join(folder, 'secret')} }], allow-destinations: [127.0.0.1/32] }]\n`);
  service = await startComposeService({ MILLRACE_MESSAGES: file });
  repository = path.join(service.repositories, 'sample');
  mkdirSync(repository, { recursive: true });
  buildPackages(repository, [{ name: 'hello', arch: 'noarch' }]);
  execFileSync('createrepo_c', ['--quiet', repository]);
}, 300_000);
afterAll(async () => {
  await service?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const cli = (...parameters: readonly string[]) => millrace({ PATH: process.env['PATH'] ?? '', MILLRACE_SERVER: service.url, MILLRACE_CONTROL_AUTH: Buffer.from(service.authorization.slice('Basic '.length), 'base64').toString() }, 'compose', ...parameters);

interface Message {
  readonly event: string;
  readonly compose?: { readonly id: number; readonly state_name: string };
  readonly name?: string;
  readonly kind?: string;
}

/** Verified as a receiver has to. */
const messages = (): Message[] => deliveries.map(({ headers, body }) => new Webhook(secret).verify(body, headers as Record<string, string>) as Message);

async function statesOf(id: number, count: number): Promise<readonly string[]> {
  for (;;) {
    const states = messages().flatMap(({ compose }) => (compose?.id === id ? [compose.state_name] : []));
    if (states.length >= count) return states;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('millrace compose, against the service', () => {
  it('makes, compares, renews and deletes composes, and a receiver hears of each state in order', async () => {
    const created = await cli('create', '--repo', repository, '--flag', 'no_deps', '--json', 'hello');
    // On a busy machine the command first asks when the compose has begun.
    expect({ exitCode: created.exitCode, stderr: created.stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/^compose \d+: (?:waiting|generating)[^]*\n {2}\S.*\n[^]*: done\n$/) });
    const first = JSON.parse(created.stdout) as { id: number; state_name: string; result_repofile: string };
    expect(first.state_name).toBe('done');
    expect((await fetch(first.result_repofile)).status).toBe(200);
    expect(await statesOf(first.id, 3)).toEqual(['wait', 'generating', 'done']);
    const told = messages()[0];
    expect(told?.event).toBe('state-changed');
    expect(odcsCompose.safeParse(told?.compose).error).toBeUndefined();

    buildPackages(repository, [{ name: 'other', arch: 'noarch' }]);
    execFileSync('createrepo_c', ['--quiet', repository]);
    const second = JSON.parse((await cli('create', '--repo', repository, '--flag', 'no_deps', '--json')).stdout) as { id: number };
    expect((await cli('diff', String(first.id), String(second.id))).stdout).toMatch(/added: 1\n {4}other\.noarch \S+\n$/);

    expect((await cli('renew', String(first.id), '--ttl', '7200')).stdout).toContain(`Compose ${first.id} is kept until`);
    expect((await cli('list', '--state', 'done')).stdout).toMatch(new RegExp(`${second.id} │ done[^]* ${first.id} │ done`));
    expect((await cli('delete', String(first.id))).exitCode).toBe(0);
    expect(await statesOf(first.id, 4)).toEqual(['wait', 'generating', 'done', 'removed']);
    expect((await cli('wait', String(first.id))).exitCode).toBe(1);
  }, 120_000);

  it('points a name at a compose, which is then not deleted, and goes back', async () => {
    const ids: number[] = [];
    for (let count = 0; count < 2; count += 1) ids.push((JSON.parse((await cli('create', '--repo', repository, '--flag', 'no_deps', '--flag', 'no_reuse', '--json', 'hello')).stdout) as { id: number }).id);
    const [one = '', two = ''] = ids.map(String);
    for (const id of [one, two]) expect(await cli('name', 'set', 'nightly', id)).toMatchObject({ exitCode: 0 });
    expect(await cli('delete', two)).toMatchObject({ exitCode: 65, stderr: expect.stringContaining(`Compose (id=${two}) can not be removed: the name nightly points at it.`) });
    const { links } = JSON.parse((await cli('name', 'show', 'nightly', '--json')).stdout) as { links: { repoFile: string; files: string } };
    expect(await (await fetch(links.repoFile)).text()).toContain(`mirrorlist=${links.files.replace(/\/$/, '')}.mirrors/$basearch/os\n`);
    expect((await fetch(`${links.files}COMPOSE_ID`)).url).toContain(`/odcs-${two}/COMPOSE_ID`);
    expect((await cli('name', 'rollback', 'nightly')).stdout).toContain(`compose     ${one}`);
    expect(await cli('name', 'set', 'nightly', two)).toMatchObject({ exitCode: 65 });
    expect((await fetch(`${links.files}COMPOSE_ID`)).url).toContain(`/odcs-${one}/COMPOSE_ID`);
    expect(await cli('delete', two)).toMatchObject({ exitCode: 0 });
    const kinds = (): unknown[] => messages().flatMap(({ event, name, kind }) => (event === 'compose-name-changed' && name === 'nightly' ? [kind] : []));
    while (kinds().length < 3) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kinds()).toEqual(['promoted', 'promoted', 'rolled-back']);
  }, 60_000);

  it('says why a compose failed', async () => {
    const failed = await cli('create', '--repo', repository, 'no-such-package');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(/millrace: compose \d+ failed: .*no-such-package/);
  }, 60_000);

  it('says what the service cannot do, and what it does not know', async () => {
    expect(await cli('create', '--source-type', 'module', '--source', 'x')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('millrace: Module definition must be in') });
    expect(await cli('get', '99999')).toMatchObject({ exitCode: 66 });
  });
});
