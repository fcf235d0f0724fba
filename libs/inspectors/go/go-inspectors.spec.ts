import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildZip, type ZipFileToBuild } from '../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { createChecksumDatabase, zipHash, type RecordedModule } from './__fixtures__/checksum-database.js';
import { goModHash, moduleHash } from './module-hash.js';

const name = 'sums.example';
const sample: RecordedModule = {
  module: 'mods.test/Sample',
  version: 'v1.2.0',
  files: { 'go.mod': 'module mods.test/Sample\n\ngo 1.20\n', 'sample.go': 'package sample\n', 'sub/ä.go': 'package sub\n' },
};
const database = createChecksumDatabase(name, [sample]);
const goMod = sample.files['go.mod'] as string;
const proxy = 'https://proxy.example/go';
const below = `${proxy}/mods.test/!sample/@v/v1.2.0`;
const go = { 'user-agent': 'Go-http-client/2.0' };

function moduleZip(files: Readonly<Record<string, string>> = sample.files, more: readonly ZipFileToBuild[] = []): Buffer {
  return buildZip([...Object.entries(files).map(([file, content]) => ({ name: `${sample.module}@${sample.version}/${file}`, content })), ...more]);
}

interface Heard {
  readonly verdict: string;
  readonly opinion: string;
  readonly reason: string;
}

async function hear(url: string, bytes: Buffer | string, context: InspectionContext): Promise<Heard> {
  const { verdict, inspections } = await inspect(createRequest(url, go), { bytes: Buffer.from(bytes) }, context);
  const [inspection] = Object.values(inspections);
  return { verdict, opinion: inspection?.opinion ?? '', reason: inspection?.reason ?? '' };
}

/** Asks the database for paths as `go` does, and expects it to be approved. */
async function ask(context: InspectionContext, paths: readonly string[], from = database, base = `${proxy}/sumdb/${name}`): Promise<void> {
  for (const path of paths) expect({ path, ...(await hear(base + path, from.answer(path.replace('!s', 'S')) ?? '', context)) }).toMatchObject({ verdict: 'Approved' });
}

const lookup = '/lookup/mods.test/!sample@v1.2.0';
const tiles = ['/tile/8/0/001.p/46', '/tile/8/0/000', '/tile/8/1/000.p/1'];

function signedContext(key = database.verifierKey): InspectionContext {
  return { ...createContext(), configuration: { go: { sumdb: key } } };
}

describe('Go modules', () => {
  it('have the hashes that go computes', () => {
    // As in the go.sum of everyone who uses this public module.
    expect(goModHash(Buffer.from('module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n'))).toBe('h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=');
    // Names in the order of their bytes, which is not that of JavaScript beyond U+FFFF.
    const names = ['\uffee', '\u{10000}', 'a'];
    const line = (name: string): string => `00  ${name}\n`;
    const expected = createHash('sha256').update(['a', '\uffee', '\u{10000}'].map(line).join('')).digest('base64');
    expect(moduleHash(new Map(names.map((file) => [file, '00'])))).toBe(`h1:${expected}`);
  });

  it('are approved when their hash is proved to be in the signed tree of the database', async () => {
    const context = signedContext();
    expect((await hear(`${below}.mod`, goMod, context)).verdict).toBe('Approved');
    await ask(context, ['/supported', lookup, ...tiles]);
    const result = await inspect(createRequest(`${below}.zip`), { bytes: moduleZip() }, context);
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'go.module.zip': { reason: 'valid Go module, its hash is in the signed checksum database', annotations: { h1: zipHash(sample), 'declared-by': [name] } } },
      metadata: { type: 'application/x.go.module.zip', name: 'mods.test/Sample', version: 'v1.2.0', purl: 'pkg:golang/mods.test/Sample@v1.2.0' },
    });
  });

  it('are approved by a database that is asked directly, and by its answer alone when no key is configured', async () => {
    const context = createContext();
    await ask(context, [lookup, '/latest', ...tiles], database, `https://${name}`);
    expect(await hear(`${below}.zip`, moduleZip(), context)).toMatchObject({ verdict: 'Approved', reason: expect.stringContaining('the signature was not checked') });
  });

  it('are Unknown without the database, and without the tiles that prove its record', async () => {
    expect(await hear(`${below}.zip`, moduleZip(), createContext())).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('no checksum database was asked for mods.test/Sample@v1.2.0') });
    const context = signedContext();
    await ask(context, [lookup, ...tiles.slice(1)]);
    expect(await hear(`${below}.zip`, moduleZip(), context)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('tiles') });
  });

  it('are rejected with another hash than the database has', async () => {
    const context = signedContext();
    await ask(context, [lookup, ...tiles]);
    const changed = moduleZip({ ...sample.files, 'sample.go': 'package tample\n' });
    expect(await hear(`${below}.zip`, changed, context)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('is not the one that the checksum database has') });
  });

  it('are rejected when the record is a forgery that the signed tree does not hold', async () => {
    const context = signedContext();
    const forged: RecordedModule = { ...sample, files: { ...sample.files, 'sample.go': 'package evil\n' } };
    const honest = (database.answer('/lookup/mods.test/Sample@v1.2.0') as Buffer).toString();
    await ask(context, tiles);
    expect(await hear(`${proxy}/sumdb/${name}${lookup}`, honest.replace(zipHash(sample), zipHash(forged)), context)).toMatchObject({ opinion: 'Approved' });
    expect(await hear(`${below}.zip`, moduleZip(forged.files), context)).toMatchObject({ opinion: 'Rejected', reason: "the checksum database's record is not in its signed tree" });
  });

  it('are rejected under the URL of another module or version', async () => {
    for (const url of [`${proxy}/mods.test/other/@v/v1.2.0.zip`, `${proxy}/mods.test/!sample/@v/v1.2.1.zip`])
      expect(await hear(url, moduleZip(), createContext())).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('but its URL is that of') });
  });

  const inside = `${sample.module}@${sample.version}`;
  it.each([
    ['cut off', moduleZip().subarray(0, -10), 'not a sound zip'],
    ['with a file of another version', moduleZip(sample.files, [{ name: 'mods.test/Sample@v1.2.1/x.go' }]), 'outside of'],
    ['without its directory', buildZip([{ name: 'x.go' }]), 'no directory of the form module@version'],
    ['with a name that leads outside', moduleZip(sample.files, [{ name: `${inside}/../../x` }]), 'leaves the archive'],
    ['with a file twice', moduleZip(sample.files, [{ name: `${inside}/sample.go` }]), 'twice'],
    ['with names that differ in case', moduleZip(sample.files, [{ name: `${inside}/SAMPLE.go` }]), 'case does not count'],
    ['with directories that differ in case', moduleZip(sample.files, [{ name: `${inside}/SUB/b.go` }]), 'case does not count'],
    ['with a file that is a directory too', moduleZip(sample.files, [{ name: `${inside}/sub` }]), 'case does not count'],
    ['with a GO.MOD', moduleZip({ 'x.go': '' }, [{ name: `${inside}/GO.MOD` }]), 'instead of go.mod'],
    ['with a name of a device', moduleZip(sample.files, [{ name: `${inside}/aux.go` }]), 'not every system'],
    ['with a line feed in a name', moduleZip(sample.files, [{ name: `${inside}/a\nb` }]), 'not every system'],
    ['with a link', moduleZip(sample.files, [{ name: `${inside}/l`, content: 'x', mode: 0o120777 }]), 'neither a file nor a directory'],
    ['that unpacks to far more', moduleZip(sample.files, [{ name: `${inside}/bomb`, content: Buffer.alloc(70 * 1024 * 1024) }]), 'times its size'],
    ['that says to be larger than a module may be', moduleZip(sample.files, [{ name: `${inside}/big`, size: 600 * 1024 * 1024 }]), 'unpacks to more than'],
  ])('are rejected %s', async (_case, bytes, reason) => {
    expect(await hear(`${below}.zip`, bytes, createContext())).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('give an opinion whatever byte is changed, and are approved only where their hash does not reach', async () => {
    const context = createContext();
    await ask(context, [lookup]);
    const bytes = moduleZip();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ change;
        const heard = await hear(`${below}.zip`, changed, context);
        // Times and versions of tools in the zip are not part of its hash: go takes those as well.
        if (heard.opinion === 'Approved') expect(heard.reason).toContain('valid Go module');
        else expect(heard.reason).not.toContain('the inspection failed');
      }),
      { numRuns: 150 },
    );
  });
});

describe('go.mod', () => {
  it('is compared with what the database says before, and the database is refused when it says another thing after', async () => {
    const before = createContext();
    await ask(before, [lookup]);
    expect(await hear(`${below}.mod`, `${goMod}// changed\n`, before)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('is not the one that the checksum database has') });
    expect((await hear(`${below}.mod`, goMod, before)).reason).toContain('its hash is what the checksum database answered');
    const after = createContext();
    expect((await hear(`${below}.mod`, `${goMod}// changed\n`, after)).verdict).toBe('Approved');
    expect(await hear(`${proxy}/sumdb/${name}${lookup}`, database.answer('/lookup/mods.test/Sample@v1.2.0') as Buffer, after)).toMatchObject({
      opinion: 'Rejected',
      reason: 'the go.mod that this session was given for mods.test/Sample@v1.2.0 is not the one that the checksum database has',
    });
  });

  it.each(['', '<html>', 'require x v1.0.0\n', 'module\n', Buffer.from([0x6d, 0xff, 0xfe])])('is rejected as %j', async (content) => {
    expect(await hear(`${below}.mod`, content, createContext())).toMatchObject({ opinion: 'Rejected', verdict: 'Rejected' });
  });

  it.each(['module "mods.test/Sample"', 'module (\n\tmods.test/Sample\n)', '// c\nmodule mods.test/Sample // d', 'module fork.test/of/it'])('is approved as %j', async (content) => {
    expect(await hear(`${below}.mod`, `${content}\n`, createContext())).toMatchObject({ opinion: 'Approved' });
  });
});

describe('versions of Go modules', () => {
  it.each<[string, string, string]>([
    ['/@v/list', '', 'Approved'],
    ['/@v/list', 'v1.0.0\nv1.1.0-rc.1\nv2.0.0+incompatible 2020-01-01T00:00:00Z\n', 'Approved'],
    ['/@v/list', '<html></html>', 'Rejected'],
    ['/@latest', '{"Version":"v1.2.0","Time":"2020-01-01T00:00:00Z"}', 'Approved'],
    ['/@latest', '{"Version":"main"}', 'Rejected'],
    ['/@v/main.info', '{"Version":"v0.0.0-20200101000000-0123456789ab","Time":"2020-01-01T00:00:00Z","Origin":{}}', 'Approved'],
    ['/@v/v1.2.0.info', '{"Version":"v1.2.0"}', 'Approved'],
    ['/@v/v1.2.0.info', '{"Version":"v1.3.0"}', 'Rejected'],
    ['/@v/v1.2.0.info', '{"Version":"v1.2.0","Time":"yesterday"}', 'Rejected'],
    ['/@v/v1.2.0.info', '[]', 'Rejected'],
  ])('%s with %j is %s', async (path, content, verdict) => {
    expect((await hear(`${proxy}/mods.test/!sample${path}`, content, createContext())).verdict).toBe(verdict);
  });
});

describe('go.sumdb', () => {
  const url = `${proxy}/sumdb/${name}${lookup}`;
  const honest = (database.answer('/lookup/mods.test/Sample@v1.2.0') as Buffer).toString();

  it.each([
    ['another module', honest.replaceAll('mods.test/Sample', 'mods.test/other'), 'not one of the module'],
    ['another version', honest.replaceAll(' v1.2.0', ' v1.2.1'), 'not one of the version'],
    ['a malformed hash', honest.replace(/h1:.{5}/, 'h1:'), 'malformed hash'],
    ['no record', `1\n\n${honest}`, 'no hashes|no numbered record'],
    ['no signature', honest.slice(0, honest.indexOf('\n— ')), 'not signed'],
    ['another tree', honest.replace(/\n302\n/, '\n303\n'), 'not signed by its configured key'],
    ['a signature of another database', honest.replace(`— ${name}`, '— other.example'), 'not signed by its configured key'],
    ['a page of HTML', '<html>', 'no numbered record'],
  ])('rejects an answer with %s', async (_case, answer, reason) => {
    expect(await hear(url, answer, signedContext())).toMatchObject({ opinion: 'Rejected', reason: expect.stringMatching(reason) });
  });

  it('rejects databases without a configured key as soon as one is configured, and keys that are none', async () => {
    const other = createChecksumDatabase('other.example', [sample]);
    expect((await hear(url, honest, signedContext(other.verifierKey))).reason).toContain('no verifier key is configured for the checksum database sums.example');
    expect((await hear(url, honest, signedContext(`${database.verifierKey.slice(0, -4)}AAAA`))).reason).toContain('not a verifier key');
    const twin = createChecksumDatabase(name, [sample]);
    expect((await hear(url, honest, signedContext(twin.verifierKey))).reason).toContain('not signed by its configured key');
  });

  it('rejects tiles of another size, and knows no other paths', async () => {
    expect((await hear(`${proxy}/sumdb/${name}/tile/8/0/000.p/2`, Buffer.alloc(63), createContext())).reason).toContain('not those of 2 hashes');
    for (const path of ['/tile/8/0/000.p/0', '/tile/8/0/00', '/tile/9/0/000', '/tile/8/0/x1/000', '/lookup/a.test/b', '/lookup/a.test/B@v1.0.0'])
      expect(Object.keys((await inspect(createRequest(`${proxy}/sumdb/${name}${path}`, go), { bytes: Buffer.alloc(0) }, createContext())).inspections)).toEqual(['default']);
  });

  it('proves records of trees of every shape', async () => {
    for (const fillers of [0, 1, 2, 254, 255, 256, 511, 513]) {
      const from = createChecksumDatabase(name, [sample], fillers);
      const context = signedContext(from.verifierKey);
      const size = fillers + 2;
      const widths = [size, Math.floor(size / 256)];
      const all = widths.flatMap((count, level) =>
        Array.from({ length: Math.ceil(count / 256) }, (_item, index) => `/tile/8/${level}/00${index}${count - index * 256 >= 256 ? '' : `.p/${count - index * 256}`}`),
      );
      await ask(context, [lookup, ...all], from);
      expect({ fillers, ...(await hear(`${below}.zip`, moduleZip(), context)) }).toMatchObject({ fillers, reason: 'valid Go module, its hash is in the signed checksum database' });
    }
  });

  it('never approves what is not an answer of its form', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.nat(honest.length).map((end) => honest.slice(0, end))), async (answer) => {
        if (answer !== honest) expect((await hear(url, answer, signedContext())).opinion).toBe('Rejected');
      }),
      { numRuns: 200 },
    );
  });
});
