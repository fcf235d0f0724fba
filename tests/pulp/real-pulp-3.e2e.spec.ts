import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from '../../libs/compose-engine/__fixtures__/kitchen.js';
import { filesBelow } from '../../libs/compose-engine/__fixtures__/read-tree.js';
import { runDnf } from '../../libs/compose-engine/__fixtures__/run-dnf.js';
import { startFakePulp3 } from '../../libs/testing/fake-pulp-3.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';
import { odcsClientPython } from '../composes/odcs-client.js';
import { pulpVersions, startRealPulp3, type RealPulp3 } from './real-pulp-3.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-pulp-e2e-'));
let kitchen: Kitchen;
let pulp: RealPulp3;
let python: string;
let service: ComposeService;

beforeAll(async () => {
  kitchen = buildKitchen();
  [python, pulp] = await Promise.all([odcsClientPython(), startRealPulp3()]);
  await fill();
  const file = path.join(directory, 'pulp.yaml');
  writeFileSync(file, `version: 3\nurl: ${pulp.url}\nusername: admin\npassword: { file: ${pulp.passwordFile} }\n`);
  service = await startComposeService({ MILLRACE_PULP: file, MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.1/32' });
}, 600_000);
afterAll(async () => {
  await service?.stop();
  await pulp?.stop();
  kitchen[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

async function fill(): Promise<void> {
  for (const [arch, published] of [['x86_64', true], ['aarch64', false]] as const) {
    const labels = { content_set: 'baseos-rpms', arch, signatures: 'fd431d51 199e2f91' };
    const repository = await pulp.create('repositories/rpm/rpm/', { name: `baseos-${arch}`, autopublish: published, pulp_labels: labels });
    const packages = ['kettle-1.0-1.x86_64.rpm', 'lid-1.0-1.noarch.rpm'].map((name) => path.join(kitchen.packages, name));
    if (published) await pulp.create(`${repository}modify/`, { add_content_units: await Promise.all(packages.map((each) => pulp.uploadPackage(each))) });
    await pulp.create('distributions/rpm/rpm/', { name: `baseos-${arch}`, base_path: `dist/baseos/${arch}/os`, repository, pulp_labels: labels });
  }
}

/** What the command prints at last; it waits until the compose is made. */
async function odcs(...args: readonly string[]): Promise<Record<string, unknown>> {
  const failed = (error: unknown) => error as { stdout: string };
  const command = ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', `${service.url}/`, '-q', ...args];
  const { stdout } = await promisify(execFile)(python, command, { env: { ...process.env, OTEL_SDK_DISABLED: 'true' } }).catch(failed);
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, unknown>;
}

const repoFileOf = async (compose: Record<string, unknown>): Promise<string> => (await fetch(String(compose['result_repofile']))).text();

describe(`odcs create-pulp, with Pulp ${pulpVersions.pulpcore} and pulp_rpm ${pulpVersions['pulp-rpm']}`, () => {
  it('makes a compose from which dnf installs', async () => {
    const compose = await odcs('create-pulp', 'baseos-rpms');
    expect(compose).toMatchObject({ state_name: 'done', source_type: 4, source: 'baseos-rpms', arches: 'x86_64', sigkeys: '199e2f91 fd431d51', result_repofile: expect.stringMatching(/\/odcs-1\/compose\/Temporary\/odcs-1\.repo$/) });
    const text = await repoFileOf(compose);
    expect(text).toMatch(/^\n\[baseos-x86_64\]\nname=baseos-x86_64\nbaseurl=http:\/\/127\.0\.0\.1:\d+\/pulp\/content\/dist\/baseos\/x86_64\/os\/\nenabled=1\ngpgcheck=0\n$/);
    const file = path.join(directory, 'odcs-1.repo');
    writeFileSync(file, text);
    expect(await runDnf(path.join(directory, 'dnf'), file, 'install', 'kettle')).toMatchObject({ status: 0, output: expect.stringMatching(/kettle-1\.0-1\.x86_64[^]*lid-2:1\.0-1\.noarch/) });
    expect(filesBelow(path.join(directory, 'dnf/root/usr/share/millrace'))).toEqual(['kettle.txt', 'lid.txt']);
  }, 120_000);

  it('takes what is not published, and leaves out what is absent, where it is told to', async () => {
    const all = await odcs('create-pulp', 'baseos-rpms', '--flag', 'include_unpublished_pulp_repos');
    expect(all).toMatchObject({ state_name: 'done', arches: 'aarch64 x86_64' });
    expect((await repoFileOf(all)).match(/^\[.*/gm)).toEqual(['[baseos-aarch64]', '[baseos-x86_64]']);
    expect(await odcs('create-pulp', 'nope', 'baseos-x86_64', '--flag', 'ignore_absent_pulp_repos')).toMatchObject({ state_name: 'done', source: 'baseos-x86_64' });
    expect(await odcs('create-pulp', 'nope', 'baseos-aarch64')).toMatchObject({ state_name: 'failed', state_reason: `the Pulp server ${pulp.url} has no content set or repository nope and has published nothing of baseos-aarch64` });
  }, 120_000);
});

describe('the fake of Pulp 3', () => {
  it('answers in the shapes of the real one', async () => {
    await using fake = await startFakePulp3({ directory, login: 'admin:sesame' });
    fake.addRepository('baseos-x86_64', { labels: { content_set: 'baseos-rpms' } });
    fake.addDistribution('baseos-x86_64', { basePath: 'dist/baseos/x86_64/os', labels: { content_set: 'baseos-rpms' }, repository: 'baseos-x86_64' });
    const ofFake = async (place: string) => (await fetch(`${fake.url}/pulp/api/v3/${place}`, { headers: { authorization: `Basic ${btoa('admin:sesame')}` } })).json() as Promise<Record<string, unknown>>;
    for (const list of ['distributions', 'repositories', 'publications']) {
      const [real, faked] = await Promise.all([pulp.get(`${list}/rpm/rpm/?limit=1`), ofFake(`${list}/rpm/rpm/?limit=1`)]);
      expect(Object.keys(faked).sort()).toEqual(Object.keys(real).sort());
      const [realRow, fakeRow] = [real, faked].map(({ results }) => (results as object[])[0] as Record<string, unknown>);
      const shape = (row: Record<string, unknown> = {}): object => Object.fromEntries(Object.keys(fakeRow ?? {}).map((name) => [name, row[name] === null ? null : typeof row[name]]));
      expect([list, shape(fakeRow)]).toEqual([list, shape(realRow)]);
    }
  });
});
