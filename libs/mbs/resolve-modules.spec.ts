import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ComposeRequest } from '../compose/compose-request.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { openContentStore } from '../repository-source/content-store.js';
import { createRepositorySource, type OpenRepositorySource } from '../repository-source/repository-source.js';
import { composeRequest } from '../testing/compose-request.js';
import { startFakeMbs, type FakeMbs, type FakeModuleBuild } from '../testing/fake-mbs.js';
import { findInService } from './find-in-service.js';
import { createModuleBuildService, type ModuleBuildService } from './module-build-service.js';
import { moduleName, parseModuleName, readModuleName, type ModuleId } from './module-name.js';
import { resolveModules } from './resolve-modules.js';

const work = mkdtempSync(path.join(tmpdir(), 'millrace-mbs-'));
const { signal } = new AbortController();
let mbs: FakeMbs;
let source: OpenRepositorySource;
let service: ModuleBuildService;

beforeAll(async () => {
  const settings = { composeSourcePaths: [], composeAllowDestinations: ['127.0.0.0/8'], forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
  source = createRepositorySource({ settings, content: await openContentStore(path.join(work, 'content')), directory: path.join(work, 'cache'), version: '1.2.3', limits: { progressTime: 600, retryDelay: 1, documentBytes: 1_000_000 } });
});
beforeEach(async () => {
  await mbs?.[Symbol.asyncDispose]();
  mbs = await startFakeMbs();
  service = createModuleBuildService({ url: mbs.url, source });
});
afterAll(async () => {
  await mbs[Symbol.asyncDispose]();
  await source.close();
  rmSync(work, { recursive: true, force: true });
});

const add = (name: string, requires: FakeModuleBuild['requires'] = {}, more: Partial<FakeModuleBuild> = {}): number => {
  const [module = '', stream = '', version = '1', context = 'c1'] = name.split(':');
  return mbs.addBuild({ name: module, stream, version, context, requires, ...more });
};
async function resolve(asked: readonly string[], change: Partial<ComposeRequest> = {}): Promise<string[]> {
  const request = composeRequest({ sourceType: 'module', ...change });
  const builds = await resolveModules(asked.map(parseModuleName), { where: service.url, find: findInService(service, request, { signal }), dependencies: !request.flags.includes('no_deps') });
  return builds.map(moduleName);
}
const failure = (promise: Promise<unknown>): Promise<MillraceError> => promise.then(() => { throw new Error('no failure'); }, (error: unknown) => error as MillraceError);

describe('the name of a module', () => {
  it('has two to four plain parts', () => {
    expect(['mill:1', 'mill:1:2', 'mill:1:2:c', 'perl-DBI:rhel8.0'].map((name) => moduleName(readModuleName(name) as ModuleId))).toEqual(['mill:1', 'mill:1:2', 'mill:1:2:c', 'perl-DBI:rhel8.0']);
    for (const name of ['mill', 'mill:', ':1', 'mill:1:x', 'mill:1:2:c:d', 'mill:..', 'mill:a/b', 'mill:a b', 'mill:1:2:']) expect(readModuleName(name)).toBeUndefined();
  });
});

describe('modules of a build service', () => {
  it('are resolved to all contexts of the newest version, by number', async () => {
    for (const name of ['mill:1:9:c1', 'mill:1:10:c1', 'mill:1:10:c2', 'mill:2:99:c1']) add(name);
    expect(await resolve(['mill:1'])).toEqual(['mill:1:10:c1', 'mill:1:10:c2']);
    expect(await resolve(['mill:1:9'])).toEqual(['mill:1:9:c1']);
    expect(await resolve(['mill:1:10:c2'])).toEqual(['mill:1:10:c2']);
    expect(await resolve(['mill:2', 'mill:1:10:c2'])).toEqual(['mill:1:10:c2', 'mill:2:99:c1']);
  });

  it('bring what they need at run time, unless without dependencies; loops end, and base modules stay out', async () => {
    add('mill:1', { race: ['2'] });
    add('race:2', { pond: ['a'], sluice: [] });
    add('pond:a', { mill: ['1'], bootstrap: ['el8'] });
    expect(await resolve(['mill:1'])).toEqual(['mill:1:1:c1', 'pond:a:1:c1', 'race:2:1:c1']);
    expect(await resolve(['mill:1'], { flags: ['no_deps'] })).toEqual(['mill:1:1:c1']);
    expect(mbs.asked.filter((query) => query.includes('name=pond'))).toHaveLength(1);
    expect(mbs.asked.filter((query) => /name=(platform|bootstrap|sluice)/.test(query))).toEqual([]);
  });

  it('that are done and not ready are taken where they are wholly named, or all of them are asked for', async () => {
    add('mill:1:1');
    add('mill:1:2', {}, { state: 3 });
    add('mill:1:3', {}, { state: 4 });
    expect(await resolve(['mill:1'])).toEqual(['mill:1:1:c1']);
    expect(await resolve(['mill:1'], { flags: ['include_done_modules'] })).toEqual(['mill:1:2:c1']);
    expect(await resolve(['mill:1:2:c1'])).toEqual(['mill:1:2:c1']);
    expect(await failure(resolve(['mill:1:2']))).toMatchObject({ code: 'unresolvable' });
  });

  it('are those for a base module, and what they need is not newer than what they were built for', async () => {
    add('mill:1:1', { race: ['2'] }, { platform: ['el8.2.0', 80200] });
    add('mill:1:2', {}, { platform: ['el8.4.0', 80400] });
    add('race:2:1', {}, { platform: ['el8.0.0', 80000] });
    add('race:2:2', {}, { platform: ['el8.3.0', 80300] });
    add('race:2:3', {}, { platform: ['el7.9.0', 70900] });
    const baseModule = (change: Partial<ComposeRequest['baseModule']>): Partial<ComposeRequest> => ({ baseModule: { name: null, stream: null, streamVersionLte: null, streamVersionGte: null, ...change } });
    expect(await resolve(['mill:1'])).toEqual(['mill:1:2:c1']);
    expect(await resolve(['mill:1'], baseModule({ name: 'platform', stream: 'el8.2.0' }))).toEqual(['mill:1:1:c1', 'race:2:1:c1']);
    expect(await resolve(['mill:1'], { ...baseModule({ streamVersionLte: 80300, streamVersionGte: 80100 }), flags: ['no_deps'] })).toEqual(['mill:1:1:c1']);
  });

  it('named -devel that only Koji has stand for the module, and need it', async () => {
    add('mill:1', { race: ['2'] });
    add('race:2');
    add('own-devel:1');
    expect(await resolve(['mill-devel:1'])).toEqual(['mill-devel:1:1:c1', 'mill:1:1:c1', 'race:2:1:c1']);
    expect(await resolve(['own-devel:1'])).toEqual(['own-devel:1:1:c1']);
    expect(await failure(resolve(['dam-devel:1']))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('dam-devel:1') });
  });

  it('of scratch builds are asked for by themselves', async () => {
    add('mill:1:1:c1', {}, { state: 3, scratch: true, tag: 'scrmod-mill' });
    expect(await failure(resolve(['mill:1'], { flags: ['include_done_modules'] }))).toMatchObject({ code: 'unresolvable' });
    expect(await service.scratch(parseModuleName('mill:1:1:c1') as ModuleId, { signal })).toMatchObject({ scratch: true, tag: 'scrmod-mill' });
    expect(await service.scratch(parseModuleName('mill:1:1:c2') as ModuleId, { signal })).toBeUndefined();
  });

  it('of many contexts come from several pages, and no more than is needed', async () => {
    for (let index = 0; index < 45; index += 1) add(`mill:1:2:c${index}`);
    for (let index = 0; index < 100; index += 1) add(`mill:1:1:d${index}`);
    expect(await resolve(['mill:1'])).toHaveLength(45);
    expect(mbs.asked).toHaveLength(3);
  });
});

describe('modules are refused', () => {
  it('that there are not, with who needs them', async () => {
    add('mill:1', { race: ['2'] });
    add('race:2', { pond: ['a'] });
    expect(await failure(resolve(['mill:1', 'dam:1', 'weir:2']))).toMatchObject({ code: 'unresolvable', message: `${mbs.url} has no build of dam:1, weir:2 that is ready` });
    expect(await failure(resolve(['mill:1']))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('pond:a (mill:1:1:c1 requires race:2:1:c1 requires pond:a)') });
  });

  it('in two versions of a stream', async () => {
    add('mill:1:1');
    add('mill:1:2');
    expect(await failure(resolve(['mill:1:1', 'mill:1']))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('mill:1:2:c1 conflicts with mill:1:1:c1') });
  });

  it('that no machine could have, with both ways to the module that is needed twice', async () => {
    add('mill:1', { race: ['2'], wheel: ['1'] });
    add('race:2', { pond: ['a'] });
    add('wheel:1', { pond: ['b'] });
    add('pond:a');
    add('pond:b');
    expect((await failure(resolve(['mill:1']))).message).toBe('mill:1:1:c1 can be installed nowhere, because it needs two streams of pond: mill:1:1:c1 requires race:2:1:c1 requires pond:a; and mill:1:1:c1 requires wheel:1:1:c1 requires pond:b');
    expect(await resolve(['race:2', 'wheel:1'])).toHaveLength(4);
    add('wheel:1:1:c2', { pond: ['a'] });
    expect(await resolve(['mill:1'])).toHaveLength(6);
  });

  it.each<[string, string, (response: ServerResponse) => void]>([
    ['is down', 'source-unavailable', (response) => void response.writeHead(503).end()],
    ['says nothing', 'source-unavailable', () => undefined],
    ['answers HTML', 'source-invalid', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['answers other JSON', 'source-invalid', (response) => void response.end('{"items": [{"id": "x"}], "meta": {}}')],
    ['has no such route', 'source-invalid', (response) => void response.writeHead(404).end()],
    ['answers without end', 'source-invalid', (response) => void response.end(`{"items": [], "x": "${'x'.repeat(2_000_000)}"}`)],
    ['leads elsewhere for ever', 'source-invalid', (response) => void response.writeHead(302, { location: '/module-build-service/1/' }).end()],
  ])('by a service that %s: %s', async (_, code, answer) => {
    mbs.instead = (_request, response) => answer(response);
    expect(await failure(resolve(['mill:1']))).toMatchObject({ code });
  });

  it('by a service whose pages never end, or lead to another place', async () => {
    const item = { id: 1, name: 'mill', stream: '1', version: '1', context: 'c1', state: 5, modulemd: 'document: modulemd\nversion: 2\ndata:\n  name: mill\n' };
    let id = 0;
    mbs.instead = (_request, response) => void response.end(JSON.stringify({ items: [item], meta: { next: 'http://169.254.169.254/latest' } }));
    expect(await resolve(['mill:1'])).toEqual(['mill:1:1:c1']);
    expect(mbs.asked).toHaveLength(2);
    mbs.instead = (_request, response) => void response.end(JSON.stringify({ items: [{ ...item, id: (id += 1) }], meta: { next: 'x' } }));
    expect(await failure(resolve(['mill:1']))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('has more than 500 builds of mill:1 in one version') });
  });

  it('whose modulemd is a trap', async () => {
    add('mill:1', {}, { modulemd: `document: modulemd\ndata: ${'{a: '.repeat(1000)}` });
    expect(await failure(resolve(['mill:1']))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('the modulemd of mill:1:1:c1, build 1 of') });
  });

  it('when they are too many', async () => {
    for (let index = 0; index < 1200; index += 1) add(`m${index % 3}:1:1:c${index}`);
    expect(await failure(resolve(['m0:1', 'm1:1', 'm2:1']))).toMatchObject({ code: 'unresolvable', message: 'the compose has 1200 modules; 1000 are the most that one takes' });
  });
});
