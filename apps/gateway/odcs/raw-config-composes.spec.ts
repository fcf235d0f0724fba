import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';

let folder: string;
let gateway: TestGateway;
const plan = (name: string): string => path.join(folder, name);
const [whole, without, broken] = ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-raw-gateway-'));
  const root = path.join(folder, 'composes');
  writeFileSync(path.join(folder, 'pungi.yaml'), 'raw-configs: { eln: { url: /srv/eln, config-filename: eln.conf, seconds-to-live: 500000, max-seconds-to-live: 600000 } }\n');
  const pungi = { config: { name: 'eln', url: '/srv/eln', commit: 'f'.repeat(40) }, kojiEvent: 7 };
  writeFileSync(plan(whole), JSON.stringify({ version: 1, trees: [], pungi: { ...pungi, configDump: '{"release_short": "ELN"}' } }));
  writeFileSync(plan(without), JSON.stringify({ version: 1, trees: [], pungi: { ...pungi, configDump: null } }));
  mkdirSync(path.join(root, 'odcs-1/compose/Server/x86_64/os'), { recursive: true });
  mkdirSync(path.join(root, 'nightly'));
  for (const name of ['.treeinfo', '.discinfo', '.secret']) writeFileSync(path.join(root, 'odcs-1/compose/Server/x86_64/os', name), name);
  symlinkSync('../odcs-1', path.join(root, 'nightly/latest-ELN-1'));
  symlinkSync('../../pungi.yaml', path.join(root, 'nightly/outside'));
  symlinkSync('../odcs-99', path.join(root, 'nightly/dangling'));
  const composes = new MemoryComposes();
  gateway = await startTestGateway({ environment: { MILLRACE_COMPOSES: root, MILLRACE_PUNGI: path.join(folder, 'pungi.yaml') }, dependencies: { composes: { ...composes.dependencies(), content: { file: plan } } } });
  Object.assign(gateway, { composes });
  for (let id = 1; id <= 2; id += 1) await request({});
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const api = async (place: string, method = 'GET', body?: object): Promise<Record<string, unknown>> => (await (await fetch(`${gateway.url}/api/1/composes/${place}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json()) as Record<string, unknown>;
const request = (more: object, source: object = { type: 'raw_config', source: 'eln#main' }) => api('', 'POST', { source, compose_type: 'production', label: 'RC-1.0', ...more });
const lives = (compose: Record<string, unknown>): number => Math.round((Date.parse(String(compose['time_to_expire'])) - Date.parse(String(compose['time_submitted']))) / 1000);

describe('a compose of a raw configuration', () => {
  it.each([
    [{}, 500_000],
    [{ seconds_to_live: 100 }, 100],
    [{ seconds_to_live: 9_999_999 }, 600_000],
  ])('asked for with %j lives %d s', async (more, seconds) => {
    expect(lives(await request(more))).toBe(seconds);
  });

  it('is the only one to live as long as that', async () => {
    expect(lives(await request({ seconds_to_live: 9_999_999 }, { type: 'repo', source: 'http://repository.test/os' }))).toBe(259_200);
  });

  it('may be renewed for as long as its configuration says', async () => {
    gateway.composes.set(2, { state: 'done', doneAt: new Date().toISOString() });
    for (const [body, seconds] of [[{}, 500_000], [{ 'seconds-to-live': 9_999_999 }, 600_000]] as const) {
      const renewed = await api('2', 'PATCH', body);
      expect(Math.abs(Date.parse(String(renewed['time_to_expire'])) - Date.now() - seconds * 1000)).toBeLessThan(60_000);
    }
  });

  it('answers with the whole configuration that it was made of, where that is kept', async () => {
    const dumps: unknown[] = [];
    for (const digest of [whole, without, broken, null]) {
      gateway.composes.set(1, { state: 'done', plan: digest, pungiComposeId: 'ELN-1-20261121.0' });
      dumps.push((await api('1'))['pungi_config_dump']);
    }
    expect(dumps).toEqual(['{"release_short": "ELN"}', null, null, null]);
    expect((await api(''))['items']).toEqual(expect.arrayContaining([expect.not.objectContaining({ pungi_config_dump: expect.anything() })]));
  });
});

describe('the names of composes of Pungi', () => {
  const get = (place: string): Promise<Response> => fetch(`${gateway.url}/composes/${place}`, { redirect: 'manual' });

  it('lead to their files, and to what installers ask for', async () => {
    for (const name of ['.treeinfo', '.discinfo']) expect(await (await get(`nightly/latest-ELN-1/compose/Server/x86_64/os/${name}`)).text()).toBe(name);
    expect(await (await get('nightly/')).text()).toContain('latest-ELN-1');
    expect(await (await get('nightly/latest-ELN-1/compose/')).text()).toContain('./Server/');
    expect(await (await get('nightly/latest-ELN-1/')).text()).toContain('./compose/');
    const redirected = await get('nightly/latest-ELN-1');
    expect([redirected.status, redirected.headers.get('location')]).toEqual([301, './latest-ELN-1/']);
  });

  it.each(['nightly/outside', 'nightly/outside/', 'nightly/dangling/STATUS', 'nightly/none/', 'weekly/latest-ELN-1/', 'production/', 'nightly/latest-ELN-1/compose/Server/x86_64/os/.secret', 'nightly/latest-ELN-1/../../../pungi.yaml'])('lead nowhere else: %s', async (place) => {
    expect((await get(place)).status).toBe(404);
  });
});
