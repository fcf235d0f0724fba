import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages, createSigningKey } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
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

async function compose(id: unknown, query = ''): Promise<Record<string, unknown>> {
  return (await (await fetch(`${service.url}/api/1/composes/${String(id)}${query}`)).json()) as Record<string, unknown>;
}

/** As its last owner leaves it: the compose is removed, and so are its files. */
async function remove({ id, toplevel_url: place }: Record<string, unknown>): Promise<void> {
  await odcs('delete', String(id));
  while ((await compose(id, '?wait=5'))['state_name'] !== 'removed');
  while ((await fetch(`${String(place)}/STATUS`)).ok) await sleep(100);
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

  it('makes a removed compose again with the same packages, after the tag has moved, a build was deleted and others were signed', async () => {
    hub.addTag('release', 'base');
    const [ladle, bowl] = [await build('ladle', '1.0'), await build('bowl', '1.0')];
    for (const nvr of [ladle, bowl]) hub.tag('release', nvr);
    const first = await odcs('create-tag', 'release', 'ladle', 'bowl', '--flag', 'no_deps');
    const before = await digests(first);
    expect(before).toHaveLength(2);
    await remove(first);

    hub.untag('release', ladle);
    hub.tag('release', await build('ladle', '2.0'));
    using key = createSigningKey();
    hub.addSignatures(bowl, key.keyId, key.sign);
    hub.deleteBuild(ladle);
    const kept = await odcs('renew', String(first['id']));
    expect(kept).toMatchObject({ state_name: 'done', koji_event: first['koji_event'] });
    expect(kept['id']).not.toBe(first['id']);
    expect(await digests(kept)).toEqual(before);
    await remove(kept);

    // Where nothing of the packages is left here, they come from Koji again.
    const stored = before.map((digest) => path.join(path.dirname(service.repositories), 'blobs/content', digest.slice(0, 2), digest));
    for (const file of stored) rmSync(file);
    const asked = hub.asked.length;
    const fetched = await odcs('renew', String(first['id']));
    expect(await digests(fetched)).toEqual(before);
    expect(hub.asked.slice(asked).filter((place) => place.endsWith('.rpm')).sort()).toEqual(['/files/packages/bowl/1.0/1/noarch/bowl-1.0-1.noarch.rpm', '/files/packages/ladle/1.0/1/noarch/ladle-1.0-1.noarch.rpm']);
    await remove(fetched);

    // And where Koji has deleted one of them too, the compose says which.
    for (const file of stored) if (existsSync(file)) rmSync(file);
    rmSync(path.join(directory, 'koji/packages/ladle/1.0'), { recursive: true });
    const { id } = (await (await fetch(`${service.url}/api/1/composes/${String(first['id'])}`, { method: 'PATCH' })).json()) as { id: number };
    let failed = await compose(id);
    while (failed['state_name'] !== 'failed' && failed['state_name'] !== 'done') failed = await compose(id, '?wait=30');
    expect(failed).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('1 of its packages are gone: ladle-1.0-1.noarch.rpm (was at ') });
  }, 180_000);

  it('makes a compose of scratch builds on top of a tag', async () => {
    const packages = mkdtempSync(path.join(directory, 'scratch-'));
    buildPackages(packages, [{ name: 'lid', version: '9.9', arch: 'noarch' }]);
    const task = hub.addScratchBuild({ noarch: readdirSync(packages).map((file) => path.join(packages, file)) });
    const answer = await fetch(`${service.url}/api/1/composes/`, { method: 'POST', body: JSON.stringify({ source: { type: 'tag', source: 'base', packages: ['lid'], scratch_build_tasks: [String(task)] } }) });
    const { id } = (await answer.json()) as { id: number };
    expect(await odcs('wait', String(id))).toMatchObject({ state_name: 'done', scratch_build_tasks: String(task) });
    const files = (await (await fetch(`${String((await compose(id))['result_repo'])}/x86_64/os/Packages/l/`)).text()).match(/lid-[^"<]*\.rpm/g);
    expect([...new Set(files)]).toEqual(['lid-9.9-1.noarch.rpm']);
  }, 120_000);

  it('makes a compose of builds, and fails with what the hub does not know', async () => {
    expect(await odcs('create-build', 'kettle-1.0-1', 'lid-1.0-1')).toMatchObject({ state_name: 'done', builds: 'kettle-1.0-1 lid-1.0-1' });
    const answer = await fetch(`${service.url}/api/1/composes/`, { method: 'POST', body: JSON.stringify({ source: { type: 'build', builds: ['napkin-1-1'] } }) });
    const { id } = (await answer.json()) as { id: number };
    let failed: Record<string, unknown> = {};
    while (failed['state_name'] !== 'failed' && failed['state_name'] !== 'done') failed = await compose(id, '?wait=30');
    expect(failed).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('does not know napkin-1-1') });
  }, 120_000);
});
