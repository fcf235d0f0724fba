import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { moduleName, parseModuleName, type ModuleId } from '../mbs/module-name.js';
import { readModulemd } from '../mbs/modulemd.js';
import type { KojiHub } from './koji-hub.js';
import { createKojiModules, type KojiModules } from './koji-modules.js';
import { readXmlRpc } from './read-xml-rpc.js';
import type { RpcValue } from './rpc-value.js';

const options = { signal: new AbortController().signal };

async function recorded(name: string): Promise<RpcValue> {
  const bytes = readFileSync(new URL(`./__fixtures__/wire/${name}.response.xml`, import.meta.url));
  const message = await readXmlRpc((async function* () { yield bytes; })());
  return message.kind === 'answer' ? message.value : null;
}

/** What a real hub was recorded with, or what a spec has instead. */
async function replayed(change: Readonly<Record<string, RpcValue>> = {}, file = 'document'): Promise<{ readonly modules: KojiModules; readonly opened: string[] }> {
  const answers: Readonly<Record<string, RpcValue>> = { getTag: { id: 12, name: 'sp1-modular' }, listTagged: await recorded('listTagged-module-type'), getBuild: await recorded('getBuild-module'), listArchives: await recorded('listArchives-module'), ...change };
  const answer = (method: string): RpcValue => answers[method] as RpcValue;
  const hub: KojiHub = { url: 'https://koji.example/kojihub', call: (method) => Promise.resolve(answer(method)), callAll: (calls) => Promise.resolve(calls.map(({ method }) => answer(method))) };
  const opened: string[] = [];
  async function* open(location: string): AsyncGenerator<Buffer, void> {
    opened.push(location);
    yield Buffer.from(file);
  }
  return { modules: createKojiModules({ hub, top: 'https://koji.example/files', source: { open } }), opened };
}

const samplemod = parseModuleName('samplemod:1:20260101000000:abcdef01') as ModuleId;

describe('modules of a real hub', () => {
  it('are read as it was recorded: the build, what it needs, where its packages and documents are', async () => {
    const { modules, opened } = await replayed();
    const [module] = await modules.builds([samplemod], options);
    expect(module).toMatchObject({ build: { ...samplemod, tag: 'module-samplemod-1-20260101000000-abcdef01', requires: [{ name: 'platform', stream: 'sp1' }], scratch: false }, arches: ['x86_64'] });
    await expect(module?.document('x86_64', options)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('does not have the digest of the hub') });
    expect(opened).toEqual(['https://koji.example/files/packages/samplemod/1/20260101000000.abcdef01/files/module/modulemd.x86_64.txt']);
  });

  it('come with the documents that they were imported with', async () => {
    const text = readFileSync(new URL('./__fixtures__/wire/modulemd.x86_64.txt', import.meta.url), 'utf8');
    const [module] = await (await replayed({}, text)).modules.builds([samplemod], options);
    expect(readModulemd((await module?.document('x86_64', options)) ?? '', 'it')).toMatchObject({ ...samplemod, arch: 'x86_64', artifacts: ['sample-mod-0:4.0-1.module_sp1+12+abcdef01.x86_64'] });
  });

  it('in a tag are those of the newest version, by number, whatever was tagged last', async () => {
    const { modules } = await replayed();
    const rows = (await recorded('listTagged-module-type')) as readonly { readonly release: string }[];
    expect(rows.map(({ release }) => release)).toEqual(['20260101000000.abcdef01', '20260202000000.abcdef01', '20260101000000.abcdef02']);
    const tagged = await modules.inTags(['sp1-modular'], 89, options);
    expect((await tagged.all()).map(moduleName)).toHaveLength(1);
    expect((await tagged.find(parseModuleName('samplemod:1:20260101000000'), undefined)).map(moduleName)).toHaveLength(2);
    expect(await tagged.find(parseModuleName('samplemod:2'), undefined)).toEqual([]);
    expect(await tagged.find(parseModuleName('other:1'), undefined)).toEqual([]);
  });

  it.each<[string, Readonly<Record<string, RpcValue>>, string]>([
    ['a build that is no module', { getBuild: { id: 8, package_name: 'lid', version: '1', release: '1.x', state: 1, volume_name: 'DEFAULT', extra: null } }, 'unresolvable'],
    ['a name that leads elsewhere', { getBuild: { id: 8, package_name: '../x', version: '1', release: '1.x', state: 1, extra: null } }, 'source-invalid'],
    ['another shape', { getBuild: [1] }, 'source-invalid'],
    ['a module of a name that none has', { getBuild: { id: 8, package_name: 'lid', version: '1', release: '1.x', state: 1, extra: { typeinfo: { module: { content_koji_tag: 'x', modulemd_str: '', name: 'a/b', stream: '1', version: '1', context: 'c' } } } } }, 'source-invalid'],
    ['archives of another shape', { listArchives: [{ filename: '../../etc/passwd', checksum: '', checksum_type: 0, btype: 'module' }] }, 'source-invalid'],
  ])('are refused with %s', async (_, change, code) => {
    const { modules } = await replayed(change);
    await expect(modules.builds([samplemod], options)).rejects.toMatchObject({ code });
  });

  it('that are deleted are none', async () => {
    const build = (await recorded('getBuild-module')) as { readonly [key: string]: RpcValue };
    const { modules } = await replayed({ getBuild: { ...build, state: 2 } });
    expect(await modules.builds([samplemod], options)).toEqual([undefined]);
  });
});
