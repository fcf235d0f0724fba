import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar, buildTgz } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildCrate, indexLine, sampleManifest } from './__fixtures__/sample-crate.js';
import { parseIndexPath } from './index-path.js';

const cargo = { 'user-agent': 'cargo/1.95.0 (f2d3ce0bd 2026-03-21)', 'cargo-protocol': 'version=1', accept: 'text/plain' };
const download = { 'user-agent': cargo['user-agent'], accept: '*/*' };
const index = 'https://index.example/base/';
const indexUrl = `${index}mi/ll/millrace_sample`;
const downloads = 'https://crates.example/api/v1/crates';
const crateUrl = `${downloads}/Millrace_sample/1.0.0+build.1/download`;
const sample = buildCrate();

async function learn(context: InspectionContext, lines: string, base = index): Promise<void> {
  const file = await inspect(createRequest(`${base}mi/ll/millrace_sample`, cargo), { bytes: Buffer.from(lines) }, context);
  expect(file.verdict).toBe('Approved');
}

async function configure(context: InspectionContext, dl: string, base = index): Promise<void> {
  const config = await inspect(createRequest(`${base}config.json`, cargo), { bytes: Buffer.from(JSON.stringify({ dl, api: null })) }, context);
  expect(config).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.cargo.config' } });
}

async function opinionOn(bytes: Buffer, context = createContext(), url = crateUrl): Promise<string> {
  const result = await inspect(createRequest(url, download), { bytes }, context);
  const { opinion, reason } = result.inspections['cargo.crate'] ?? {};
  return `${opinion}: ${reason}`;
}

describe('cargo.index', () => {
  it('approves the file of the crate that was asked for and counts what it teaches', async () => {
    const lines = indexLine(sample) + indexLine(sample, { vers: '0.9.0', yanked: true });
    const result = await inspect(createRequest(indexUrl, cargo), { bytes: Buffer.from(lines) }, createContext());
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'cargo.index': { annotations: { versions: 2, remembered: 2, yanked: 1 } } },
      metadata: { type: 'application/x.cargo.index', name: 'millrace_sample', purl: 'pkg:cargo/millrace_sample' },
    });
  });

  it.each([
    ['another crate', indexLine(sample, { name: 'other' }), 'is not one of "millrace_sample"'],
    ['no version', indexLine(sample, { vers: '1' }), 'no valid version'],
    ['no checksum', indexLine(sample, { cksum: 'abc' }), 'no SHA-256 checksum'],
    ['two checksums of a version', indexLine(sample) + indexLine(sample, { cksum: 'a'.repeat(64) }), 'two checksums'],
    ['a line that is cut off', indexLine(sample).slice(0, 40), 'not valid JSON'],
    ['deep nesting', '['.repeat(100_000), 'nested deeper'],
    ['nothing', '\n\n', 'no releases'],
    ['a page of HTML', '<html></html>', 'not valid JSON'],
  ])('rejects a file with %s', async (_case, lines, reason) => {
    const result = await inspect(createRequest(indexUrl, cargo), { bytes: Buffer.from(lines) }, createContext());
    expect(result.verdict).toBe('Rejected');
    expect(result.inspections['cargo.index']?.reason).toContain(reason);
  });

  it.each<[string, unknown]>([
    ['no URL', {}],
    ['a number', { dl: 1 }],
    ['a URL that cargo cannot fetch', { dl: 'ftp://x.example/' }],
    ['an endless URL', { dl: 'https://'.padEnd(5000, 'x') }],
    ['a list', []],
  ])('rejects a configuration with %s', async (_case, config) => {
    const result = await inspect(createRequest(`${index}config.json`, cargo), { bytes: Buffer.from(JSON.stringify(config)) }, createContext());
    expect(result.inspections['cargo.index']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('no download URL') });
  });

  it('knows paths by the directories that are made of the name', () => {
    expect(parseIndexPath('/1/a')).toEqual({ base: '/', crate: 'a' });
    expect(parseIndexPath('/x/2/ab')).toEqual({ base: '/x/', crate: 'ab' });
    expect(parseIndexPath('/3/a/ABC')).toEqual({ base: '/', crate: 'abc' });
    expect(parseIndexPath('/x/config.json')).toEqual({ base: '/x/', crate: undefined });
    for (const path of ['/ab/ce/abcd', '/2/a', '/abcd', '/3/b/abc', '/ab/cd/ab%2fcd', '/ab/cd/']) expect(parseIndexPath(path)).toBeUndefined();
  });
});

describe('cargo.crate', () => {
  it('approves a crate whose checksum the index declares, and tells what it is', async () => {
    const context = createContext();
    await configure(context, downloads);
    await learn(context, indexLine(sample));
    const result = await inspect(createRequest(crateUrl, download), { bytes: sample }, context);
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'cargo.crate': { reason: 'valid crate', annotations: { 'declared-by': ['https://index.example:443/base/'], yanked: false } } },
      metadata: {
        type: 'application/x.cargo.crate',
        name: 'Millrace_sample',
        version: '1.0.0+build.1',
        license: 'MIT OR Apache-2.0',
        author: 'Ada Lovelace, Charles',
        authorEmail: 'ada@example.test',
        description: 'A sample.',
        purl: 'pkg:cargo/Millrace_sample@1.0.0%2Bbuild.1',
      },
    });
  });

  it('approves it behind a redirect to any other host, where the checksum alone counts', async () => {
    const context = createContext();
    await configure(context, downloads);
    await learn(context, indexLine(sample));
    expect(await opinionOn(sample, context, 'https://cdn.example/blob/0123?sig=x')).toBe('Approved: valid crate');
    expect(await opinionOn(buildCrate([], `${sampleManifest}#`), context, 'https://cdn.example/blob/0123')).toContain('Rejected: the crate');
  });

  it('holds the index that serves the URL to its own checksum, whatever another index says', async () => {
    const context = createContext();
    const other = buildCrate([], `${sampleManifest}#`);
    await configure(context, `${downloads}/{lowerprefix}/{crate}/{version}/{sha256-checksum}/download`);
    await learn(context, indexLine(sample));
    await learn(context, indexLine(other), 'https://private.example/');
    const own = `${downloads}/mi/ll/Millrace_sample/1.0.0+build.1/${(JSON.parse(indexLine(sample)) as { cksum: string }).cksum}/download`;
    const at = 'https://crates.example/x';
    expect(await opinionOn(sample, context, at)).toBe('Approved: valid crate');
    expect(await opinionOn(other, context, at)).toBe('Approved: valid crate');
    const asked = await inspect(createRequest(own, { ...download }), { bytes: other }, context);
    expect(asked.verdict).toBe('Rejected');
  });

  it('says Unknown, not Rejected, when no index declared it, and notes a yanked version', async () => {
    expect(await opinionOn(sample)).toMatch(/^Unknown: .*no index of this session declares Millrace_sample 1\.0\.0\+build\.1/);
    const context = createContext();
    await learn(context, indexLine(sample, { yanked: true }));
    expect(await opinionOn(sample, context)).toBe('Approved: valid crate, but its registry has yanked this version');
  });

  it('rejects one with another checksum and one of another release than its URL', async () => {
    const context = createContext();
    await learn(context, indexLine(sample));
    expect(await opinionOn(buildCrate([], `${sampleManifest}#`), context)).toBe("Rejected: the crate's SHA-256 checksum is not the one that the index declares");
    expect(await opinionOn(sample, context, `${downloads}/Millrace_sample/2.0.0/download`)).toContain('its URL is that of Millrace_sample 2.0.0');
    expect(await opinionOn(sample, context, 'https://crates.example/other-1.0.0.crate')).toContain('its URL is that of other 1.0.0');
  });

  const top = 'Millrace_sample-1.0.0+build.1';
  it.each([
    ['cut off', sample.subarray(0, sample.length - 30), 'not a sound gzip'],
    ['not gzip', buildTar([{ name: `${top}/Cargo.toml`, content: sampleManifest }]), 'not a sound gzip'],
    ['with a name that leads outside', buildCrate([{ name: `${top}/../../evil`, content: 'x' }]), 'leaves the archive'],
    ['with an absolute name', buildCrate([{ name: '/etc/passwd', content: 'x' }]), 'absolute path'],
    ['with a link that leads outside', buildCrate([{ name: `${top}/l`, type: '2', link: '../../x' }]), 'points outside'],
    ['with a second directory', buildCrate([{ name: 'other/x', content: 'x' }]), 'second directory'],
    ['with a file beside its directory', buildCrate([{ name: 'x', content: 'x' }]), 'outside of its directory'],
    ['with two manifests', buildCrate([{ name: `${top}/Cargo.toml`, content: sampleManifest }]), 'twice'],
    ['without a manifest', buildTgz([{ name: `${top}/src/lib.rs`, content: '' }]), 'no Cargo.toml'],
    ['in a directory of another name', buildTgz([{ name: 'x-1.0.0/Cargo.toml', content: sampleManifest }]), 'its directory is "x-1.0.0"'],
    ['with a manifest that is no TOML', buildCrate([], '= 1'), 'not valid TOML'],
    ['with a manifest that nests deeply', buildCrate([], `a = ${'['.repeat(10_000)}`), 'not valid TOML'],
    ['with a manifest without a package', buildCrate([], '[lib]\n'), 'no package table'],
    ['with a version from a workspace', buildCrate([], '[package]\nname = "a"\nversion.workspace = true\n'), 'no valid name and version'],
    ['that unpacks to far more', buildCrate([{ name: `${top}/bomb`, content: Buffer.alloc(80 * 1024 * 1024) }]), 'times its size'],
  ])('rejects a crate %s', async (_case, bytes, reason) => {
    const context = createContext();
    await learn(context, indexLine(bytes));
    expect(await opinionOn(bytes, context)).toMatch(/^Rejected: /);
    expect(await opinionOn(bytes, context)).toContain(reason);
  });

  it('has no say on other clients, other methods and errors', async () => {
    for (const request of [createRequest(crateUrl), createRequest(crateUrl, download, 'PUT')])
      expect(Object.keys((await inspect(request, { bytes: sample }, createContext())).inspections)).toEqual(['default']);
    expect((await inspect(createRequest(crateUrl, download), { bytes: sample, status: 404 }, createContext())).verdict).toBe('Rejected');
  });

  it('never approves a declared crate with bytes changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, indexLine(sample));
    await fc.assert(
      fc.asyncProperty(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(sample);
        changed[at] = (changed[at] as number) ^ change;
        expect(await opinionOn(changed, context)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
      }),
      { numRuns: 150 },
    );
  });
});
