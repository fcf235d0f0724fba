import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectTemporal } from '../../temporal/client.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { runDnf } from '../../libs/compose-engine/__fixtures__/run-dnf.js';
import { openDatabase } from '../../libs/database/open-database.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { openRepositoryParts } from '../../libs/repository-service/open-repository-parts.js';
import { readSettings } from '../../libs/settings/settings.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import { authorization, startTestGateway } from './__fixtures__/test-gateway.js';
import type { TestGateway } from './__fixtures__/test-gateway.js';
import { problem } from './openapi/error-schemas.js';
import { changePreview, changeView, pruned } from './repositories/change-schemas.js';
import { feed } from './repositories/feed-schemas.js';
import { inspectHere } from '../../libs/repository-engine/package-inspection.js';
import { openRepositoryDependencies } from './repositories/repository-dependencies.js';
import { keyList, knownPackage, packagePage, repositoryDetail, stateDiff, statePage } from './repositories/repository-schemas.js';

/** The gateway on a real record, a real directory and the real formats; the steps of the workflow run here, one after the other. */
interface Setting extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly folder: string;
}

const away = (): Promise<never> => Promise.reject(new MillraceError('workflow-engine-unavailable', 'away'));

async function startSetting(): Promise<Setting> {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-repositories-'));
  const test = await createTestDatabase();
  const environment = { MILLRACE_HOME: path.join(folder, 'home'), MILLRACE_DATABASE_URL: test.url, MILLRACE_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const settings = readSettings({ ...environment, MILLRACE_CONTROL_AUTH: 'craft:craft' });
  const database = await openDatabase(test.url, { applicationName: 'spec', poolSize: 4 });
  const dependencies = await openRepositoryDependencies(database, { settings, client: connectTemporal(settings), environment: {}, taskQueue: undefined, noted: (call) => call, inspection: inspectHere });
  const worker = await openRepositoryParts(database, { settings, environment: {}, sources: { open: away }, workFolder: 'worker-repositories', version: '1', onRequested: () => Promise.resolve(), inspection: inspectHere });
  const { engine, commands } = worker;
  const apply = async (name: string, id: string): Promise<void> => {
    const signal = AbortSignal.timeout(30_000);
    try {
      await engine.inspect(await dependencies.reads.change(id), { signal });
    } catch (error) {
      const { code, message, details = [] } = error as MillraceError;
      await commands.refuse(id, { code, message, details });
    }
    const planned = await commands.plan(name, { changes: 10 });
    if (planned === undefined) return;
    await engine.place(planned, { signal });
    const index = await engine.prepareIndex(planned, { signal });
    await commands.switching(planned);
    await engine.switchIndex(planned, index, { signal });
    await commands.published(planned, index);
    await engine.tidy(name, { signal });
  };
  const gateway = await startTestGateway({ dependencies: { repositories: { ...dependencies, workflows: { apply, changed: away, status: away, upkeep: away } } }, environment });
  return {
    gateway,
    folder,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await worker.close();
      await dependencies.close();
      await database.close();
      await test.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let setting: Setting;
let built: string;
beforeAll(async () => {
  setting = await startSetting();
  built = path.join(setting.folder, 'built');
  buildPackages(built, [{ name: 'hello', requires: ['lib++hello >= 1.0'] }, { name: 'hello', version: '2.0', requires: ['lib++hello >= 1.0'], text: 'hello again' }, { name: 'lib++hello' }]);
  buildPackages(path.join(built, 'other'), [{ name: 'hello', text: 'other bytes' }]);
}, 120_000);
afterAll(async () => setting[Symbol.asyncDispose]());

async function ask(method: string, place: string, body?: unknown) {
  const answer = await fetch(`${setting.gateway.url}/v1/repositories${place}`, { method, headers: { authorization }, ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, json: (text === '' ? undefined : JSON.parse(text)) as unknown };
}

const upload = async (file: string): Promise<string> => ((await ask('POST', `/stable/uploads?fileName=${encodeURIComponent(path.basename(file))}`, readFileSync(file))).json as { id: string }).id;
const publish = async (...files: readonly string[]) => ask('POST', '/stable/publish', { uploads: await Promise.all(files.map((file) => upload(path.join(built, file)))), origin: { build: 'build 7' } });

describe('a repository on the real record, store and format', () => {
  it('takes packages that are uploaded, and dnf installs them from the gateway, signatures checked', async () => {
    expect((await ask('POST', '', { name: 'stable', kind: 'rpm', settings: { keys: ['default'] } })).status).toBe(201);
    expect(changeView.parse((await publish('hello-1.0-1.x86_64.rpm', 'lib++hello-1.0-1.x86_64.rpm')).json)).toMatchObject({ phase: 'done', outcome: { state: 1, added: ['hello-1.0-1.x86_64.rpm', 'lib++hello-1.0-1.x86_64.rpm'] } });
    const [key] = keyList.parse((await ask('GET', '/stable/keys')).json).items;
    const own = path.join(setting.folder, 'client');
    mkdirSync(own);
    const keyFile = path.join(own, 'stable.asc');
    writeFileSync(keyFile, key?.publicKey ?? '');
    const repoFile = path.join(own, 'stable.repo');
    writeFileSync(repoFile, `[stable]\nname=stable\nbaseurl=${setting.gateway.url}/repositories/stable\nenabled=1\nrepo_gpgcheck=1\ngpgcheck=0\nmetadata_expire=0\ngpgkey=file://${keyFile}\n`);
    expect(await runDnf(own, repoFile, 'install', 'hello')).toMatchObject({ status: 0 });
    expect(readFileSync(path.join(own, 'root/usr/share/millrace/hello.txt'), 'utf8')).toBe('hello\n');
    expect(changeView.parse((await publish('hello-2.0-1.x86_64.rpm')).json).outcome).toMatchObject({ state: 2 });
    // dnf takes what it has fetched within the same second for fresh, whatever the repository says.
    expect(await runDnf(own, repoFile, 'upgrade', '--refresh')).toMatchObject({ status: 0 });
    expect(readFileSync(path.join(own, 'root/usr/share/millrace/hello.txt'), 'utf8')).toBe('hello again\n');
  }, 60_000);

  it('accepts the same bytes quietly, and refuses other bytes with both digests', async () => {
    expect(changeView.parse((await publish('hello-2.0-1.x86_64.rpm')).json).outcome).toMatchObject({ state: 2, added: [], same: ['hello-2.0-1.x86_64.rpm'] });
    const refused = problem.parse((await publish('other/hello-1.0-1.x86_64.rpm')).json);
    const [one, other] = ['hello-1.0-1.x86_64.rpm', 'other/hello-1.0-1.x86_64.rpm'].map((file) => createHash('sha256').update(readFileSync(path.join(built, file))).digest('hex'));
    expect(refused).toMatchObject({ status: 409, code: 'package-conflict' });
    expect([refused.detail.includes(one ?? ''), refused.detail.includes(other ?? '')]).toEqual([true, true]);
  });

  it('refuses what is no package, and names each', async () => {
    writeFileSync(path.join(built, 'evil.rpm'), Buffer.alloc(5000, 'evil'));
    expect(problem.parse((await publish('evil.rpm')).json)).toMatchObject({ status: 422, code: 'package-invalid', mistakes: [{ file: 'evil.rpm', reason: expect.any(String) }] });
  });

  it('serves nothing besides, and hides what is its own', async () => {
    const lying = readdirSync(path.join(setting.folder, 'home/repositories/stable'));
    expect(lying).toContain('.states');
    const statuses = await Promise.all(['.states/2/repodata/repomd.xml', 'Packages/evil.rpm', 'repodata/'].map(async (place) => (await fetch(`${setting.gateway.url}/repositories/stable/${place}`)).status));
    expect(statuses).toEqual([404, 404, 404]);
  });

  it('tells a builder what to fetch', async () => {
    const answer = feed.parse((await ask('POST', '/stable/feed', { wanted: ['hello >= 2.0'], packages: ['lib++hello-1.0-1.x86_64.rpm', 'gone-1.rpm'] })).json);
    expect([answer.fetch.map(({ key }) => key), answer.keep, answer.drop, answer.unresolved]).toEqual([['hello-2.0-1.x86_64.rpm'], ['lib++hello-1.0-1.x86_64.rpm'], ['gone-1.rpm'], []]);
    const [{ url = '', sha256 = '' } = {}] = answer.fetch;
    const bytes = Buffer.from(await (await fetch(url.replace(/^http:\/\/[^/]+/, setting.gateway.url))).arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  it('is tried, goes back, and knows its history', async () => {
    expect(changePreview.parse((await ask('POST', '/stable/rollback', { to: 1, dryRun: true })).json)).toMatchObject({ removed: [{ key: 'hello-2.0-1.x86_64.rpm' }], problem: null });
    expect(changeView.parse((await ask('POST', '/stable/rollback', { to: 1 })).json).outcome).toMatchObject({ removed: ['hello-2.0-1.x86_64.rpm'] });
    expect(packagePage.parse((await ask('GET', '/stable/packages?limit=1')).json)).toMatchObject({ items: [{ key: 'hello-1.0-1.x86_64.rpm' }], nextCursor: 'hello-1.0-1.x86_64.rpm' });
    const states = statePage.parse((await ask('GET', '/stable/states')).json).items.map(({ state, kinds }) => [state, kinds]);
    expect(states[0]?.[1]).toEqual(['roll-back']);
    expect(stateDiff.parse((await ask('GET', '/stable/diff?from=1&to=2')).json).added.map(({ key }) => key)).toEqual(['hello-2.0-1.x86_64.rpm']);
    expect(knownPackage.parse((await ask('GET', '/stable/packages/hello-2.0-1.x86_64.rpm')).json)).toMatchObject({ origin: { build: 'build 7' }, publishedBy: 'craft', listed: [{ from: 2 }] });
    // What was taken out can still be fetched by whoever has read the index before.
    const { path: place } = knownPackage.parse((await ask('GET', '/stable/packages/hello-2.0-1.x86_64.rpm')).json);
    expect((await fetch(`${setting.gateway.url}/repositories/stable/${place}`, { method: 'HEAD' })).status).toBe(200);
  });

  it('is checked, and found wrong where the store has lost something', async () => {
    expect((await ask('GET', '/stable/report')).status).toBe(404);
    expect((await ask('POST', '/stable/check', { deep: true })).json).toMatchObject({ repository: 'stable', depth: 'deep', counts: { 'missing-object': 0 } });
    const { path: place } = knownPackage.parse((await ask('GET', '/stable/packages/hello-1.0-1.x86_64.rpm')).json);
    rmSync(path.join(setting.folder, 'home/repositories/stable', place));
    await ask('POST', '/stable/check');
    expect((await ask('GET', '/stable/report')).json).toMatchObject({ counts: { 'missing-object': 1 } });
    expect(await (await fetch(`${setting.gateway.url}/v1/repositories/stable/report.txt`, { headers: { authorization } })).text()).toContain('hello-1.0-1.x86_64.rpm');
    expect((await fetch(`${setting.gateway.url}/repositories/stable/${place}`)).status).toBe(404);
  });

  it('is pruned of nothing that clients may still read', async () => {
    expect(pruned.parse((await ask('POST', '/stable/prune', { dryRun: true })).json)).toMatchObject({ dryRun: true, moved: [], deleted: [] });
  });

  it('is told as it is although no workflow answers', async () => {
    expect(repositoryDetail.parse((await ask('GET', '/stable')).json)).toMatchObject({ packages: 2, status: null, upkeep: null });
    expect(await (await fetch(`${setting.gateway.url}/metrics`)).text()).toContain('\nmillrace_repository_packages{repository="stable"} 2\n');
  });
});
