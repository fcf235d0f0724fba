import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { startFakeKojiHub, type FakeKojiHub } from '../../libs/testing/fake-koji-hub.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';
import { odcsClientPython } from '../composes/odcs-client.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-koji-service-'));
let hub: FakeKojiHub;
let python: string;
let service: ComposeService;

beforeAll(async () => {
  python = await odcsClientPython();
  hub = await startFakeKojiHub(path.join(directory, 'koji'));
  hub.addTag('base');
  hub.addTag('updates', 'base');
  hub.tag('base', await build('lid', '1.0'));
  hub.tag('updates', await build('kettle', '1.0', ['lid']));
  service = await startComposeService({ MILLRACE_KOJI_HUB: hub.url, MILLRACE_KOJI_TOPURL: hub.topUrl, MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.1/32' });
}, 600_000);
afterAll(async () => {
  await service.stop();
  await hub[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function build(name: string, version: string, requires: readonly string[] = []): Promise<string> {
  const packages = mkdtempSync(path.join(directory, 'packages-'));
  buildPackages(packages, [{ name, version, requires, arch: 'noarch' }]);
  return hub.addBuild(...readdirSync(packages).map((file) => path.join(packages, file)));
}

/** What the command prints at last; it waits until the compose is made. */
async function odcs(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(python, ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', `${service.url}/`, '-q', ...args], { env: { ...process.env, OTEL_SDK_DISABLED: 'true' } });
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, unknown>;
}

/** Digests of all packages, as the repository of the compose has them. */
async function digests({ result_repo: repository }: Record<string, unknown>): Promise<readonly string[]> {
  const base = `${String(repository)}/x86_64/os/`;
  const repomd = await (await fetch(`${base}repodata/repomd.xml`)).text();
  const primary = /href="(repodata\/[^"]*primary\.xml\.gz)"/.exec(repomd)?.[1] ?? '';
  const text = gunzipSync(await (await fetch(`${base}${primary}`)).arrayBuffer()).toString();
  return [...text.matchAll(/<checksum type="sha256" pkgid="YES">([0-9a-f]{64})/g)].map((match) => match[1] as string).sort();
}

describe('the command line of ODCS, on a service with a Koji hub', () => {
  it('makes a compose of a tag, and the very same again when the tag has moved on', async () => {
    const event = hub.lastEvent;
    const first = await odcs('create-tag', 'updates', 'kettle');
    expect(first).toMatchObject({ state_name: 'done', koji_event: event, source: 'updates' });
    const before = await digests(first);
    expect(before).toHaveLength(2);
    hub.tag('updates', await build('kettle', '2.0', ['lid']));
    hub.untag('base', 'lid-1.0-1');
    hub.tag('base', await build('lid', '2.0'));
    const renewed = await odcs('renew', String(first['id']), '--label', 'RC-1.0');
    expect(renewed).toMatchObject({ state_name: 'done', koji_event: event });
    expect(renewed['id']).not.toBe(first['id']);
    expect(await digests(renewed)).toEqual(before);
    const anew = await odcs('create-tag', 'updates', 'kettle');
    expect(anew).toMatchObject({ state_name: 'done', koji_event: hub.lastEvent });
    expect(await digests(anew)).not.toEqual(before);
    // Another request at the event of then: resolved anew, with the same answer.
    const pinned = await odcs('create-tag', 'updates', 'kettle', '--koji-event', String(event), '--flag', 'no_reuse');
    expect(await digests(pinned)).toEqual(before);
  }, 120_000);

  it('makes a compose of builds, and fails with what the hub does not know', async () => {
    expect(await odcs('create-build', 'kettle-1.0-1', 'lid-1.0-1')).toMatchObject({ state_name: 'done', builds: 'kettle-1.0-1 lid-1.0-1' });
    const answer = await fetch(`${service.url}/api/1/composes/`, { method: 'POST', body: JSON.stringify({ source: { type: 'build', builds: ['napkin-1-1'] } }) });
    const { id } = (await answer.json()) as { id: number };
    let failed: Record<string, unknown> = {};
    while (failed['state_name'] !== 'failed' && failed['state_name'] !== 'done') failed = (await (await fetch(`${service.url}/api/1/composes/${id}?wait=30`)).json()) as Record<string, unknown>;
    expect(failed).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('does not know napkin-1-1') });
  }, 120_000);
});
