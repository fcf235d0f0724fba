import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let source: string;

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
}, 60_000);
afterAll(async () => {
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const isData = (file: string): boolean => !file.includes('/repodata/');
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const logOf = (id: number): string => readFileSync(scratch.path(id, 'pungi-stderr.log'), 'utf8');
const binaries = (id: number, arch = 'x86_64'): string[] => filesBelow(scratch.path(id, 'compose/Temporary', arch, 'os/Packages')).map((file) => path.basename(file));

describe('a generated tree', () => {
  it('has the layout of ODCS and Pungi, with what the wanted packages need', async () => {
    const generated = await scratch.compose(1, { source: [source], packages: ['kettle'] });
    expect(generated).toMatchObject({ packages: 5, pungiComposeId: 'odcs-1-1-20261121.t.0', plan: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(filesBelow(scratch.path(1)).filter(isData)).toEqual([
      'COMPOSE_ID',
      'STATUS',
      'compose/Temporary/odcs-1.repo',
      'compose/Temporary/source/tree/Packages/k/kettle-1.0-1.src.rpm',
      'compose/Temporary/source/tree/Packages/l/lid-1.0-1.src.rpm',
      'compose/Temporary/x86_64/debug/tree/Packages/k/kettle-debuginfo-1.0-1.x86_64.rpm',
      'compose/Temporary/x86_64/os/Packages/k/kettle-1.0-1.x86_64.rpm',
      'compose/Temporary/x86_64/os/Packages/l/lid-1.0-1.noarch.rpm',
      'compose/metadata/composeinfo.json',
      'compose/metadata/images.json',
      'compose/metadata/rpms.json',
      'logs/global/pungi.global.log',
      'pungi-stderr.log',
      'pungi-stdout.log',
      'work/global/composeinfo-base.json',
      'work/global/generation.json',
      'work/global/plan.json',
    ]);
    for (const repository of ['x86_64/os', 'x86_64/debug/tree', 'source/tree']) expect(existsSync(scratch.path(1, 'compose/Temporary', repository, 'repodata/repomd.xml'))).toBe(true);
    expect(readFileSync(scratch.path(1, 'COMPOSE_ID'), 'utf8')).toBe('odcs-1-1-20261121.t.0');
    expect(readFileSync(scratch.path(1, 'STATUS'), 'utf8')).toBe('FINISHED\n');
    expect(readFileSync(scratch.path(1, 'work/global/plan.json'))).toEqual(readFileSync(path.join(scratch.settings.home, 'blobs/content', generated.plan.slice(0, 2), generated.plan)));
    expect(existsSync(path.join(scratch.settings.composes, '.staging/odcs-1'))).toBe(false);
  });

  it('has package files that are links to the store, not copies', async () => {
    await scratch.compose(2, { source: [source], packages: ['spoon'] });
    await scratch.compose(3, { source: [source], packages: ['spoon'] });
    const [one, other] = [2, 3].map((id) => statSync(scratch.path(id, 'compose/Temporary/x86_64/os/Packages/s/spoon-1.0-1.noarch.rpm')));
    expect(one?.ino).toBe(other?.ino);
    expect(one?.nlink).toBe(3);
  });

  it('is the same in every byte when it is made again, but for its id and date', async () => {
    await using elsewhere = await scratchEngine();
    const again = kitchen.repository(path.join(elsewhere.sources, 'kitchen'));
    renameSync(again, `${again}-elsewhere`);
    const request = { packages: ['kettle', 'spoon'], results: ['repository', 'iso'] as const };
    await scratch.compose(4, { ...request, source: [source] });
    await elsewhere.compose(4, { ...request, source: [`${again}-elsewhere`] });
    const files = filesBelow(scratch.path(4, 'compose'));
    expect(filesBelow(elsewhere.path(4, 'compose'))).toEqual(files);
    for (const file of files) expect([file, readFileSync(elsewhere.path(4, 'compose', file)).equals(readFileSync(scratch.path(4, 'compose', file)))]).toEqual([file, true]);
    await scratch.compose(5, { ...request, source: [source], packages: ['spoon', 'kettle'] });
    for (const file of files.filter((name) => name.includes('/repodata/'))) expect(readFileSync(scratch.path(5, 'compose', file)).equals(readFileSync(scratch.path(4, 'compose', file)))).toBe(true);
  });

  it('has documents of productmd 1.2 and a .repo file with three sections', async () => {
    await scratch.compose(6, { source: [source], packages: ['kettle'], composeType: 'nightly', label: 'RC-1.2' });
    const id = 'odcs-6-1-20261121.n.0';
    const { header, payload } = json(scratch.path(6, 'compose/metadata/composeinfo.json'));
    expect(header).toEqual({ type: 'productmd.composeinfo', version: '1.2' });
    expect(payload.compose).toEqual({ date: '20261121', final: false, id, label: 'RC-1.2', respin: 0, type: 'nightly' });
    expect(payload.variants.Temporary.paths.debug_tree).toEqual({ x86_64: 'Temporary/x86_64/debug/tree' });
    const rpms = json(scratch.path(6, 'compose/metadata/rpms.json')).payload.rpms.Temporary.x86_64;
    expect(rpms['lid-2:1.0-1.src']).toEqual({
      'lid-2:1.0-1.noarch': { category: 'binary', path: 'Temporary/x86_64/os/Packages/l/lid-1.0-1.noarch.rpm', sigkey: null },
      'lid-2:1.0-1.src': { category: 'source', path: 'Temporary/source/tree/Packages/l/lid-1.0-1.src.rpm', sigkey: null },
    });
    expect(Object.values(rpms['kettle-0:1.0-1.src']).map((item) => (item as { category: string }).category).sort()).toEqual(['binary', 'debug', 'source']);
    const repo = readFileSync(scratch.path(6, 'compose/Temporary/odcs-6.repo'), 'utf8');
    expect(repo.match(/^\[.*|^baseurl=.*|^enabled=.*/gm)).toEqual([
      '[odcs-6]',
      'baseurl=http://composes.example/composes/odcs-6/compose/Temporary/$basearch/os',
      'enabled=1',
      '[odcs-6-debuginfo]',
      'baseurl=http://composes.example/composes/odcs-6/compose/Temporary/$basearch/debug/tree',
      'enabled=0',
      '[odcs-6-source]',
      'baseurl=http://composes.example/composes/odcs-6/compose/Temporary/source/tree',
      'enabled=0',
    ]);
  });

  it('says so in its log when productmd has no such label', async () => {
    await scratch.compose(7, { source: [source], packages: ['spoon'], label: 'whatever' });
    expect(json(scratch.path(7, 'compose/metadata/composeinfo.json')).payload.compose).not.toHaveProperty('label');
    expect(logOf(7)).toMatch(/\[WARNING \] the label whatever is not written down/);
  });

  it('is written into private directories with file: URLs', async () => {
    await scratch.compose(8, { source: [source], packages: ['spoon'], targetDir: 'private' }, { targetDir: 'private' });
    const root = path.join(scratch.settings.home, 'private/odcs-8');
    expect(readFileSync(path.join(root, 'compose/Temporary/odcs-8.repo'), 'utf8')).toContain(`baseurl=file://${root}/compose/Temporary/$basearch/os\n`);
    expect(await scratch.engine.list()).toContainEqual({ id: 8, targetDir: 'private' });
    await scratch.engine.remove({ id: 8, targetDir: 'private' });
    expect(existsSync(root)).toBe(false);
  });

  it('has all packages of all repositories when none are named, and empty repositories where an architecture has none', async () => {
    await scratch.compose(9, { source: [source], arches: ['x86_64', 'aarch64'] });
    expect(binaries(9)).toEqual(['fork-1.0-1.noarch.rpm', 'kettle-1.0-1.x86_64.rpm', 'kettle-devel-1.0-1.x86_64.rpm', 'lid-1.0-1.noarch.rpm', 'spoon-1.0-1.noarch.rpm']);
    expect(binaries(9, 'aarch64')).toEqual(['fork-1.0-1.noarch.rpm', 'lid-1.0-1.noarch.rpm', 'spoon-1.0-1.noarch.rpm']);
    expect(readFileSync(scratch.path(9, 'compose/Temporary/aarch64/debug/tree/repodata/repomd.xml'), 'utf8')).toContain('type="primary"');
  });

  it('leaves dependencies out with no_deps, and fails with all that is broken with check_deps', async () => {
    await scratch.compose(10, { source: [source], packages: ['kettle'], flags: ['no_deps'] });
    expect(binaries(10)).toEqual(['kettle-1.0-1.x86_64.rpm']);
    const error = await failureOf(scratch.compose(11, { source: [source], packages: ['kettle', 'fork'], flags: ['no_deps', 'check_deps'] }));
    expect(error.code).toBe('unresolvable');
    expect(error.message).toContain('fork-1.0-1.noarch requires napkin');
    expect(error.message).toContain('requires lid >= 2:1.0');
    await scratch.compose(12, { source: [source], packages: ['fork'] });
    expect(logOf(12)).toContain('fork-1.0-1.noarch requires napkin');
  });

  it('counts lookaside repositories, whose packages it does not take', async () => {
    const lids = kitchen.repository(path.join(scratch.sources, 'lids'), (name) => name.startsWith('lid'));
    const rest = kitchen.repository(path.join(scratch.sources, 'rest'), (name) => name.startsWith('kettle'));
    await scratch.compose(13, { source: [rest], lookasideRepos: [lids], packages: ['kettle'], flags: ['check_deps'] });
    expect(binaries(13)).toEqual(['kettle-1.0-1.x86_64.rpm']);
  });

  it('fills in the architecture in addresses', async () => {
    for (const arch of ['x86_64', 'aarch64']) kitchen.repository(path.join(scratch.sources, 'by-arch', arch), (name) => name.startsWith(arch === 'x86_64' ? 'kettle' : 'spoon'));
    await scratch.compose(14, { source: [path.join(scratch.sources, 'by-arch', '$basearch')], arches: ['x86_64', 'aarch64'] });
    expect([binaries(14), binaries(14, 'aarch64')]).toEqual([['kettle-1.0-1.x86_64.rpm', 'kettle-devel-1.0-1.x86_64.rpm'], ['spoon-1.0-1.noarch.rpm']]);
  });

  it('has the groups and modules of its sources put together', async () => {
    const places = ['one', 'two'].map((name) => kitchen.repository(path.join(scratch.sources, name), (file) => file.startsWith('spoon')));
    for (const [index, place] of places.entries()) {
      addMetadata(place, 'group', `<?xml version="1.0"?>\n<comps><group><id>core</id><name>Core</name><packagelist><packagereq>p${index} &amp; q</packagereq></packagelist></group></comps>\n`);
      addMetadata(place, 'modules', `---\ndocument: modulemd\nversion: 2\ndata:\n  name: m${index}\n  stream: "1"\n  arch: x86_64\n...\n---\ndocument: modulemd\nversion: 2\ndata:\n  name: m${index}\n  stream: "1"\n  arch: s390x\n...\n`);
    }
    await scratch.compose(15, { source: places });
    const repodata = scratch.path(15, 'compose/Temporary/x86_64/os/repodata');
    const read = (end: string): string => gunzipSync(readFileSync(path.join(repodata, readdirSync(repodata).find((name) => name.endsWith(end)) as string))).toString();
    expect(read('comps.xml.gz').match(/p[01] &amp; q/g)).toEqual(['p0 &amp; q', 'p1 &amp; q']);
    expect(read('comps.xml.gz').match(/<group>/g)).toHaveLength(1);
    expect(read('modules.yaml.gz').match(/name: m[01]|arch: .*/g)).toEqual(['name: m0', 'arch: x86_64', 'name: m1', 'arch: x86_64']);
    expect(filesBelow(scratch.path(15, 'work/global/inputs'))).toHaveLength(4);
  });
});

function addMetadata(repository: string, type: string, text: string): void {
  const file = path.join(repository, type);
  writeFileSync(file, text);
  execFileSync('modifyrepo_c', [`--mdtype=${type}`, file, path.join(repository, 'repodata')], { stdio: 'ignore' });
  rmSync(file);
}
