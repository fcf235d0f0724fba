import { execFileSync } from 'node:child_process';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { buildTar } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildConda, condaFile, repodataOf, sampleIndex } from './__fixtures__/sample-conda.js';
import { parseChannelPath } from './channel-path.js';
import { DeclaredPackages, findPackage } from './declared-packages.js';
import { RepodataScan, type DeclaredPackage } from './repodata-scan.js';

const rattler = { 'user-agent': 'py-rattler/0.28.0' };
const directory = 'https://registry.example/channel/linux-64/';
const file = 'millrace-sample-1.0.0-h123_0.conda';
const honest = buildConda();

async function repodataOpinion(bytes: Buffer, context = createContext(), name = 'repodata.json', base = directory): Promise<string> {
  const { inspections } = await inspect(createRequest(base + name), { bytes }, context);
  return `${inspections['conda.repodata']?.opinion}: ${inspections['conda.repodata']?.reason}`;
}

async function learn(context: InspectionContext, files: Readonly<Record<string, Buffer>>, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  expect(await repodataOpinion(repodataOf(files, more), context)).toBe('Approved: valid repodata of a conda channel');
}

async function opinionOn(bytes: Buffer, context = createContext(), url = directory + file): Promise<string> {
  const { inspections } = await inspect(createRequest(url), { bytes }, context);
  return `${inspections['conda.package']?.opinion}: ${inspections['conda.package']?.reason}`;
}

function scan(bytes: Buffer, size: number): readonly DeclaredPackage[] {
  const found: DeclaredPackage[] = [];
  const scanner = new RepodataScan((declared) => found.push(declared));
  for (let offset = 0; offset < bytes.length; offset += size) scanner.push(Buffer.from(bytes.subarray(offset, offset + size)));
  scanner.end();
  return found;
}

describe('conda.repodata', () => {
  it('approves repodata in every compression and counts what they teach', async () => {
    const plain = repodataOf({ [file]: honest, 'old-1-0.tar.bz2': honest }, { 'packages.conda': undefined });
    const forms: Readonly<Record<string, Buffer>> = { 'repodata.json': plain, 'repodata.json.zst': zstdCompressSync(plain), 'current_repodata.json': plain, 'repodata.json.bz2': execFileSync('bzip2', ['-c'], { input: plain }) };
    for (const [name, bytes] of Object.entries(forms)) {
      const result = await inspect(createRequest(directory + name), { bytes }, createContext());
      expect(result).toMatchObject({ verdict: 'Approved', inspections: { 'conda.repodata': { annotations: { packages: 1, 'with-sha256': 1 } } } });
    }
  });

  it.each([
    ['that is a list', '[]', 'not one JSON object'],
    ['of HTML', '<html></html>', 'not a JSON object'],
    ['that is a text', '"x"', 'not a JSON object'],
    ['cut off', '{"packages":{"a":{"x":1}', 'cut off'],
    ['followed by more', '{}{}', 'not one JSON object'],
    ['of nothing', '', 'cut off'],
    ['with brackets too many', '{}}', 'not valid JSON'],
    ['with a record that is none', '{"packages":{"a":["x"]}}', 'something else than an object for "a"'],
    ['with half a digest', '{"packages":{"a":{"sha256":"ab"}}}', 'a sha256 of "a" that is none'],
    ['with a record that is no JSON', '{"packages":{"a":{x}}}', 'not valid JSON'],
    ['that nest deeply', `{"a":${'['.repeat(200)}`, 'nested deeper'],
    ['with a record that nests deeply', `{"packages":{"a":{"b":${'['.repeat(62)}`, 'nested deeper'],
    ['with an endless name', `{"packages":{"${'x'.repeat(5000)}`, 'a key of more than'],
    ['with an endless record', `{"packages":{"x":{"a":"${'x'.repeat(2_000_000)}`, 'a record of more than'],
    ['with another place of files that cannot be fetched', '{"info":{"base_url":"ftp://x"}}', 'base_url'],
  ])('rejects repodata %s', async (_case, text, reason) => {
    expect(await repodataOpinion(Buffer.from(text))).toMatch(/^Rejected: /);
    expect(await repodataOpinion(Buffer.from(text))).toContain(reason);
  });

  it('rejects damaged and exploding compressions', async () => {
    expect(await repodataOpinion(zstdCompressSync(repodataOf({})).subarray(0, 60), createContext(), 'repodata.json.zst')).toContain('damaged or truncated');
    expect(await repodataOpinion(zstdCompressSync(Buffer.alloc(90 * 1024 * 1024, 0x20)), createContext(), 'repodata.json.zst')).toContain('times its size');
  });

  it('reads the same as a JSON parser, however the bytes arrive', () => {
    const record = fc.record({ name: fc.string(), depends: fc.array(fc.string({ unit: 'binary' })), sha256: fc.constantFrom('ab'.repeat(32), 'CD'.repeat(32)), extra: fc.jsonValue({ maxDepth: 3 }) }, { requiredKeys: ['name'] });
    const names = fc.string({ maxLength: 30 }).filter((name) => name !== '__proto__');
    const document = fc.record({ info: fc.record({ subdir: fc.string() }), packages: fc.dictionary(names, record), 'packages.conda': fc.dictionary(names, record), removed: fc.array(fc.string()), other: fc.jsonValue({ maxDepth: 4 }) }, { requiredKeys: [] });
    fc.assert(
      fc.property(document, fc.integer({ min: 1, max: 64 }), fc.constantFrom(0, 2), (value, size, spaces) => {
        const expected = [...Object.entries(value.packages ?? {}), ...Object.entries(value['packages.conda'] ?? {})].map(([name, { sha256 }]) => `${name} ${sha256?.toLowerCase()}`);
        const found = scan(Buffer.from(JSON.stringify(value, null, spaces)), size).map((declared) => `${declared.file} ${declared.sha256?.toString('hex')}`);
        expect(found.sort()).toEqual(expected.sort());
      }),
      { numRuns: 300 },
    );
  });

  it('never fails otherwise than by a reason', () => {
    const seed = repodataOf({ [file]: honest });
    fc.assert(
      fc.property(fc.nat(seed.length - 1), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 99 }), (at, value, size) => {
        const changed = Buffer.from(seed);
        changed[at] = value;
        try {
          scan(changed, size);
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('approves empty answers to HEAD', async () => {
    const head = createRequest(`${directory}repodata.json.zst`, rattler, 'HEAD');
    expect((await inspect(head, { bytes: Buffer.alloc(0) }, createContext())).verdict).toBe('Approved');
    expect((await inspect(head, { bytes: Buffer.from('x') }, createContext())).verdict).toBe('Rejected');
  });

  it.each([
    ['channeldata.json', '{"packages":{}}', 'Approved: valid channeldata'],
    ['notices.json', '{"notices":[]}', 'Approved: valid notices'],
    ['channeldata.json', '[]', 'Rejected: the document is not the channeldata'],
    ['notices.json', '{}', 'Rejected: the document is not the notices'],
  ])('judges %s %s', async (name, text, expected) => {
    const { inspections } = await inspect(createRequest(`https://registry.example/channel/${name}`, rattler), { bytes: Buffer.from(text) }, createContext());
    expect(`${inspections['conda.repodata']?.opinion}: ${inspections['conda.repodata']?.reason}`).toContain(expected);
    expect(Object.keys((await inspect(createRequest(`https://registry.example/${name}`), { bytes: Buffer.from(text) }, createContext())).inspections)).toEqual(['default']);
  });

  it('knows a channel by the directory of a platform', () => {
    expect(parseChannelPath('/c/noarch/repodata.json')).toEqual({ kind: 'repodata', directory: '/c/noarch/', document: 'repodata', compression: 'none' });
    expect(parseChannelPath('/linux-64/a-1-0.tar.bz2')).toMatchObject({ kind: 'package', format: 'tar.bz2' });
    for (const path of ['/c/repodata.json', '/other/a-1-0.conda', '/linux/a.tar.bz2', '/noarch/x.json', '/noarch/']) expect(parseChannelPath(path)).toBeUndefined();
  });
});

describe('conda.package', () => {
  it('approves a package that the repodata declare, and tells what it is', async () => {
    const context = createContext();
    await learn(context, { [file]: honest });
    expect(await inspect(createRequest(directory + file), { bytes: honest }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'conda.package': { annotations: { 'declared-by': 'https://registry.example:443/channel/linux-64/' } } },
      metadata: {
        type: 'application/x.conda.package',
        name: 'millrace-sample',
        version: '1.0.0',
        license: 'MIT',
        description: 'A sample.',
        vendor: 'https://example.test/sample',
        architecture: 'linux-64',
        purl: 'pkg:conda/millrace-sample@1.0.0?build=h123_0&subdir=linux-64&type=conda',
      },
    });
  });

  it('reads packages that Python wrote, old ones too', async () => {
    for (const name of ['millrace-sample-1.0.0-0.conda', 'millrace-old-1.0.0-0.tar.bz2']) {
      const context = createContext();
      const bytes = condaFile(name);
      await learn(context, { [name]: bytes });
      const opinion = await opinionOn(bytes, context, directory + name);
      // The old one was packed under another name than it says of itself.
      expect(opinion).toBe(name.startsWith('millrace-old') ? 'Rejected: the package is millrace-sample-1.0.0-0.tar.bz2, but its URL is that of millrace-old-1.0.0-0.tar.bz2' : 'Approved: valid conda package');
    }
    const context = createContext();
    const bytes = condaFile('millrace-old-1.0.0-0.tar.bz2');
    await learn(context, { 'millrace-sample-1.0.0-0.tar.bz2': bytes });
    expect(await opinionOn(bytes, context, `${directory}millrace-sample-1.0.0-0.tar.bz2`)).toBe('Approved: valid conda package');
  });

  it('rejects another digest, and goes by the place that the repodata name', async () => {
    const context = createContext();
    const other = buildConda({ files: [{ name: 'share/sample.txt', content: 'two\n' }] });
    await learn(context, { [file]: honest }, { info: { base_url: '../files' } });
    expect(await opinionOn(other, context, `https://registry.example/channel/files/${file}`)).toBe('undefined: undefined'); // no directory of a platform
    expect(await opinionOn(honest, context)).toMatch(/^Unknown: /);
    await learn(context, { [file]: honest }, { info: { base_url: 'https://files.example/noarch' } });
    expect(await opinionOn(honest, context, `https://files.example/noarch/${file}`)).toBe('Approved: valid conda package');
    expect(await opinionOn(other, context, `https://files.example/noarch/${file}`)).toBe("Rejected: the package's SHA-256 digest is not the one that the repodata declare");
  });

  it('approves links inside of the package', async () => {
    const bytes = buildConda({ files: [{ name: 'bin/a', type: '2', link: '../lib/a' }] });
    const context = createContext();
    await learn(context, { [file]: bytes });
    expect(await opinionOn(bytes, context)).toBe('Approved: valid conda package');
  });

  it('asks the channel itself when nobody has declared the package yet, and says Unknown when that does not help', async () => {
    const context = createContext();
    const asked: string[] = [];
    const consult = async (url: string): Promise<'approved' | 'unreachable'> => {
      asked.push(url);
      if (url.endsWith('.zst')) return 'unreachable';
      await inspect(createRequest(url), { bytes: repodataOf({ [file]: honest }) }, context);
      return 'approved';
    };
    expect(await opinionOn(honest, { ...context, consult })).toBe('Approved: valid conda package');
    expect(asked).toEqual(['https://registry.example:443/channel/linux-64/repodata.json.zst', 'https://registry.example:443/channel/linux-64/repodata.json']);
    const md5 = createContext();
    expect(await repodataOpinion(Buffer.from(JSON.stringify({ 'packages.conda': { [file]: { md5: 'ab'.repeat(16) } } })), md5)).toMatch(/^Approved/);
    expect(await opinionOn(honest, md5)).toMatch(/^Unknown: .*no repodata of this session declare a SHA-256 digest for millrace-sample/);
  });

  it('forgets what a document no longer declares', async () => {
    const knowledge = createMemorySessionKnowledge();
    for (const name of ['a', 'b']) {
      const declared = new DeclaredPackages();
      declared.add({ file: name, sha256: Buffer.alloc(32, name) });
      await declared.remember('https://x:443/noarch/', 'repodata', { knowledge });
    }
    expect(await findPackage(knowledge, 'https://x:443/noarch/', 'a')).toEqual([]);
    expect(await findPackage(knowledge, 'https://x:443/noarch/', 'b')).toEqual([Buffer.alloc(32, 'b').toString('hex')]);
    expect(await findPackage(knowledge, 'https://y:443/noarch/', 'b')).toEqual([]);
  });

  it.each([
    ['cut off', honest.subarray(0, 300), 'not a sound zip'],
    ['that is no zip', buildTar([{ name: 'x' }]), 'not a sound zip'],
    ['of another format', buildConda({ format: { conda_pkg_format_version: 3 } }), 'not of version 2'],
    ['with two archives of files', buildConda({ members: [{ name: 'pkg-x.tar.zst', content: 'x' }] }), 'not exactly one archive'],
    ['with a name that leads outside', buildConda({ files: [{ name: '../evil', content: 'x' }] }), 'leaves the archive'],
    ['with a link that leads outside', buildConda({ files: [{ name: 'bin/a', type: '2', link: '../../x' }] }), 'points outside'],
    ['with an index that is none', buildConda({ index: [] }), 'no info/index.json'],
    ['with an index without a version', buildConda({ index: { ...sampleIndex, version: '' } }), 'no valid name, version and build'],
    ['of another name', buildConda({ index: { ...sampleIndex, name: 'other' } }), 'the package is other-1.0.0-h123_0.conda, but its URL'],
    ['that unpacks to far more', buildConda({ files: [{ name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024) }] }), 'times its size'],
  ])('rejects a package %s', async (_case, bytes, reason) => {
    const context = createContext();
    await learn(context, { [file]: bytes });
    expect(await opinionOn(bytes, context)).toMatch(/^Rejected: /);
    expect(await opinionOn(bytes, context)).toContain(reason);
  });

  it('never approves a declared package with bytes changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, { [file]: honest });
    await fc.assert(
      fc.asyncProperty(fc.nat(honest.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(honest);
        changed[at] = (changed[at] as number) ^ change;
        expect(await opinionOn(changed, context)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
      }),
      { numRuns: 150 },
    );
  });
});
