import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { composeRequest } from '../testing/compose-request.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';
import { serveFiles, type FileServer } from './__fixtures__/serve-files.js';
import { readVariantContents } from './pungi-compose-metadata.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let server: FileServer;
const options = { signal: new AbortController().signal };

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  const source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
  await scratch.compose(1, { source: [source], packages: ['kettle', 'spoon'] });
  server = await serveFiles(scratch.settings.composes);
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const packagesOf = (id: number): string[] => filesBelow(scratch.path(id, 'compose')).filter((file) => file.endsWith('.rpm'));

describe('pinning repositories', () => {
  it('takes no more names from a Pungi compose than the record can hold', () => {
    const builds = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, each) => [`${'b'.repeat(1000)}${each}-0:1-1.src`, {}]));
    const list = (count: number): Buffer => Buffer.from(JSON.stringify({ payload: { rpms: { Server: { x86_64: builds(count) } } } }));
    expect(readVariantContents(list(4000), 'Server', 'rpms.json').builds).toHaveLength(4000);
    expect(() => readVariantContents(list(4200), 'Server', 'rpms.json')).toThrow(expect.objectContaining({ code: 'source-invalid', message: expect.stringContaining('lists 0 packages of 4200 builds in Server') }));
  });

  it('asks no more than a thousand times for a Pungi compose, whatever it lists', async () => {
    const place = path.join(scratch.sources, 'endless');
    mkdirSync(path.join(place, 'metadata'), { recursive: true });
    const rpms = { Server: Object.fromEntries(Array.from({ length: 600 }, (_, each) => [`arch${each}`, {}])) };
    writeFileSync(path.join(place, 'metadata/rpms.json'), JSON.stringify({ payload: { rpms } }));
    const error = await failureOf(scratch.engine.pin(composeRequest({ sourceType: 'pungi_compose', source: [path.join(place, 'Server')] }), options));
    expect(error).toMatchObject({ code: 'source-invalid', message: 'the compose is made of 1201 repositories; 1000 are the most that one compose takes' });
  });

  it('fills in $basearch and $arch, takes slashes away and remembers revisions and digests', async () => {
    for (const arch of ['x86_64', 'aarch64']) kitchen.repository(path.join(scratch.sources, 'per', arch, 'os'), (name) => name.startsWith('spoon'));
    const both = path.join(scratch.sources, 'kitchen');
    const inputs = await scratch.engine.pin(composeRequest({ source: [`${path.join(scratch.sources, 'per')}/$basearch/os/`, both], lookasideRepos: [`${path.join(scratch.sources, 'per')}/\${arch}/os`], arches: ['x86_64', 'aarch64'] }), options);
    expect(inputs.sources).toEqual([
      { url: path.join(scratch.sources, 'per/x86_64/os'), arches: ['x86_64'], revision: '1700000000', repomdSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { url: path.join(scratch.sources, 'per/aarch64/os'), arches: ['aarch64'], revision: '1700000000', repomdSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { url: both, arches: ['aarch64', 'x86_64'], revision: '1700000000', repomdSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(inputs.lookaside.map(({ url }) => url)).toEqual([path.join(scratch.sources, 'per/x86_64/os'), path.join(scratch.sources, 'per/aarch64/os')]);
    expect(inputs.kojiEvent).toBe(1_700_000_000);
  });

  it('asks no source for a renewal', async () => {
    const request = composeRequest({ source: [path.join(scratch.sources, 'nothing')], pinnedPlan: 'a'.repeat(64), kojiEvent: 7 });
    expect(await scratch.engine.pin(request, options)).toEqual({ request, sources: [], lookaside: [], kojiEvent: 7 });
  });

  it('names the repository that is not there', async () => {
    expect(await failureOf(scratch.engine.pin(composeRequest({ source: [path.join(scratch.sources, 'nothing')] }), options))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('sources/nothing') });
  });

  it('is stopped by its signal and tells progress meanwhile', async () => {
    const stop = AbortSignal.abort(new Error('enough'));
    expect((await failureOf(scratch.engine.pin(composeRequest({ source: [`${server.url}/odcs-1`] }), { signal: stop }))).message).toContain('enough');
  });
});

describe('a Pungi compose as a source', () => {
  it('gives a compose of the same packages, and stands for packages, builds, keys and architectures', async () => {
    const request = composeRequest({ sourceType: 'pungi_compose', source: [`${server.url}/odcs-1/compose/Temporary`], arches: ['s390x'], packages: ['whatever'] });
    const inputs = await scratch.engine.pin(request, options);
    expect(inputs.request).toMatchObject({ arches: ['x86_64'], packages: ['kettle', 'lid', 'spoon'], builds: ['kettle-1.0-1', 'lid-1.0-1', 'spoon-1.0-1'], sigkeys: [''] });
    expect(inputs.sources.map(({ url }) => url.slice(server.url.length))).toEqual(['/odcs-1/compose/Temporary/x86_64/os', '/odcs-1/compose/Temporary/x86_64/debug/tree', '/odcs-1/compose/Temporary/source/tree']);
    await scratch.engine.generate({ id: 2, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00Z' }, options);
    expect(packagesOf(2)).toEqual(packagesOf(1));
    expect(packagesOf(2)).toContain('Temporary/x86_64/debug/tree/Packages/k/kettle-debuginfo-1.0-1.x86_64.rpm');
  });

  it('may have no debuginfo and no sources, but needs its packages', async () => {
    const bare = path.join(scratch.settings.composes, 'bare');
    for (const [from, to] of [['x86_64/os', 'bare/Temporary/x86_64/os']] as const) {
      cpSync(scratch.path(1, 'compose/Temporary', from), path.join(scratch.settings.composes, to), { recursive: true });
    }
    mkdirSync(path.join(bare, 'metadata'));
    writeFileSync(path.join(bare, 'metadata/rpms.json'), readFileSync(scratch.path(1, 'compose/metadata/rpms.json')));
    const request = composeRequest({ sourceType: 'pungi_compose', source: [`${server.url}/bare/Temporary/`] });
    await scratch.compose(3, request);
    expect(packagesOf(3).filter((file) => file.includes('/os/'))).toHaveLength(3);
    const text = readFileSync(path.join(bare, 'metadata/rpms.json'), 'utf8');
    writeFileSync(path.join(bare, 'metadata/rpms.json'), text.replaceAll('"lid-2:1.0-1.noarch"', '"ladle-2:1.0-1.noarch"'));
    expect(await failureOf(scratch.compose(4, request))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('no source has these packages for x86_64: ladle') });
    rmSync(bare, { recursive: true });
    expect(await failureOf(scratch.compose(5, request))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('metadata/rpms.json') });
  });
});

describe('rpms.json', () => {
  const read = (document: unknown, variant = 'Server') => readVariantContents(Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)), variant, 'https://compose.example/rpms.json');
  const rpms = (packages: object): object => ({ payload: { rpms: { Server: { x86_64: packages } } } });

  it('is read with its keys in lower case, an empty one at the end where a package is unsigned', () => {
    const contents = read(rpms({ 'b-0:1-2.src': { 'b-0:1-2.x86_64': { path: 'p', category: 'binary', sigkey: 'FD431D51' }, 'b-debuginfo-0:1-2.x86_64': { path: 'p', category: 'debug', sigkey: null } }, 'a-x-3:1-2.fc40.src.rpm': { 'a-x-3:1-2.fc40.src': { path: 'p', category: 'source', sigkey: 'aa' } } }));
    expect(contents).toEqual({ arches: ['x86_64'], sigkeys: ['aa', 'fd431d51', ''], builds: ['a-x-1-2.fc40', 'b-1-2'], packages: ['b'] });
  });

  it.each<[string, unknown, string]>([
    ['is no JSON', '{', 'is no JSON'],
    ['is something else', { payload: [] }, 'is no rpms.json of a compose: payload'],
    ['has not that variant', { payload: { rpms: { Client: {} } } }, 'has no variant Server; it has Client'],
    ['has a variant by inheritance only', { payload: { rpms: {} } }, 'has no variant Server; it has none'],
    ['has what is no package', rpms({ '../../etc': {} }), 'where a package with version'],
    ['has a key that is none', rpms({ 'a-0:1-1.src': { 'a-0:1-1.x86_64': { path: 'p', category: 'binary', sigkey: '$(id)' } } }), 'is no rpms.json'],
  ])('that %s is refused', (_name, document, message) => {
    expect(() => read(document)).toThrow(expect.objectContaining({ code: 'source-invalid', message: expect.stringContaining(message) }));
  });
});
