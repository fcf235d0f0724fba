import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Inspection } from '../../inspection/inspection.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTgz } from '../__fixtures__/build-tar.js';
import { buildZip, type ZipFileToBuild } from '../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { sampleFile } from '../__fixtures__/sample-file.js';

const pip = { 'user-agent': 'pip/24.0 {}', accept: 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01' };
const indexUrl = 'https://index.example/simple/millrace-sample/';
const wheelName = 'millrace_sample-1.0.0-py3-none-any.whl';
const wheelUrl = `https://files.example/packages/ab/${wheelName}`;
const wheel = sampleFile(wheelName);
const sdistName = 'millrace-sample-1.0.0.tar.gz';
const sdistUrl = `https://files.example/packages/cd/${sdistName}`;
const sdist = sampleFile(sdistName);

function sha256(bytes: Buffer | string, encoding: 'hex' | 'base64url' = 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding);
}

function jsonPage(files: readonly Record<string, unknown>[], name = 'Millrace.Sample', version = '1.1'): Buffer {
  return Buffer.from(JSON.stringify({ meta: { 'api-version': version }, name, files }));
}

function htmlPage(anchors: string): Buffer {
  return Buffer.from(`<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.2"></head><body>${anchors}</body></html>`);
}

async function learn(context: InspectionContext, page: Buffer): Promise<void> {
  expect(await inspect(createRequest(indexUrl, pip), { bytes: page }, context)).toMatchObject({ verdict: 'Approved', metadata: { name: 'millrace-sample' } });
}

async function contextWith(page: Buffer): Promise<InspectionContext> {
  const context = createContext();
  await learn(context, page);
  return context;
}

async function opinion(id: string, url: string, sample: { bytes: Buffer; context?: InspectionContext }): Promise<Inspection | undefined> {
  return (await inspect(createRequest(url, pip), { bytes: sample.bytes }, sample.context ?? createContext())).inspections[id];
}

describe('pip.simple-index', () => {
  it.each<[string, Buffer, string]>([
    ['another project', jsonPage([], 'other'), 'not that of'],
    ['an unknown API version', jsonPage([], 'millrace-sample', '2.0'), 'unknown version'],
    ['a file without URL', jsonPage([{ filename: 'x' }]), 'without a URL'],
    ['a file URL', jsonPage([{ url: 'file:///etc/passwd' }]), 'cannot be fetched'],
    ['deep JSON', Buffer.from(`{"meta":${'['.repeat(100_000)}`), 'nested deeper'],
    ['an HTML page of another API version', Buffer.from('<html><meta name="pypi:repository-version" content="9.0">'), 'unknown version'],
    ['deep HTML', Buffer.from('<b>'.repeat(100_000)), 'nested deeper'],
    ['text', Buffer.from('not found'), 'not HTML'],
  ])('rejects %s with a reason', async (_case, bytes, reason) => {
    expect(await opinion('pip.simple-index', indexUrl, { bytes })).toEqual({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('counts yanked files and those of other projects', async () => {
    const page = htmlPage(`<a href="/${wheelName}#sha256=${sha256(wheel)}" data-yanked="broken">w</a><a href="/other-1.0.zip">o</a>`);
    expect(await opinion('pip.simple-index', indexUrl, { bytes: page })).toMatchObject({
      annotations: { files: 2, 'other-files': 1, 'remembered-urls': 1, yanked: 1 },
    });
  });

  it('does not take the list of all projects for a project page', async () => {
    expect(await opinion('pip.simple-index', 'https://index.example/simple/', { bytes: htmlPage('') })).toBeUndefined();
  });

  it('never throws on any page', async () => {
    const noise = fc.array(fc.constantFrom('<', '>', '<a href="', '"', '#sha256=', 'x.whl', '&amp', '<!--', '</a>', '<base href="http://[">', '{', '\0'), {
      maxLength: 200,
    });
    await fc.assert(
      fc.asyncProperty(noise, async (parts) => {
        const result = await inspect(createRequest(indexUrl, pip), { bytes: Buffer.from(parts.join('')) }, createContext());
        expect(['Approved', 'Rejected']).toContain(result.inspections['pip.simple-index']?.opinion);
        expect(result.inspections['pip.simple-index']?.reason).not.toContain('inspection failed');
      }),
      { numRuns: 300 },
    );
  });
});

describe('pip.wheel', () => {
  it.each<[string, Buffer]>([
    ['JSON', jsonPage([{ filename: wheelName, url: wheelUrl, hashes: { sha256: sha256(wheel) } }])],
    [
      'HTML with a relative URL and a base',
      htmlPage(`<base href="https://files.example/packages/"><a href="ab/${wheelName}#sha256=${sha256(wheel).toUpperCase()}">x</a>`),
    ],
  ])('approves what pip wheel made when an index in %s declares it', async (_case, page) => {
    const result = await inspect(createRequest(wheelUrl, pip), { bytes: wheel }, await contextWith(page));
    expect(result.inspections).toMatchObject({ 'pip.wheel': { opinion: 'Approved' } });
    expect(result).toMatchObject({
      verdict: 'Approved',
      metadata: {
        type: 'application/x.python.wheel',
        name: 'millrace-sample',
        version: '1.0.0',
        author: 'Mill Hand',
        license: 'Apache-2.0',
        description: 'A sample for the inspectors',
        architecture: 'any',
        purl: 'pkg:pypi/millrace-sample@1.0.0',
      },
    });
  });

  it('rejects another digest than declared', async () => {
    const context = await contextWith(jsonPage([{ url: wheelUrl, hashes: { sha256: sha256('other') } }]));
    expect(await opinion('pip.wheel', wheelUrl, { bytes: wheel, context })).toEqual({ opinion: 'Rejected', reason: expect.stringContaining('SHA-256 digest') });
  });

  it('leaves a wheel open that no index declared, or without a digest', async () => {
    expect(await opinion('pip.wheel', wheelUrl, { bytes: wheel })).toMatchObject({ opinion: 'Unknown' });
    const context = await contextWith(jsonPage([{ url: wheelUrl, hashes: { md5: 'x' } }]));
    expect(await opinion('pip.wheel', wheelUrl, { bytes: wheel, context })).toMatchObject({ opinion: 'Unknown' });
  });

  it('rejects a sound wheel under another name', async () => {
    expect(await opinion('pip.wheel', 'https://files.example/other-1.0.0-py3-none-any.whl', { bytes: wheel })).toEqual({
      opinion: 'Rejected',
      reason: expect.stringContaining('its file name says other 1.0.0'),
    });
  });

  const code: ZipFileToBuild = { name: 'm/__init__.py', content: 'A = 1\n' };
  const info = 'm-1.0.dist-info';
  const metadata: ZipFileToBuild = { name: `${info}/METADATA`, content: 'Metadata-Version: 2.1\nName: m\nVersion: 1.0\n\nText' };
  const format: ZipFileToBuild = { name: `${info}/WHEEL`, content: 'Wheel-Version: 1.0\n' };
  const lineOf = (file: ZipFileToBuild): string => `${file.name},sha256=${sha256(file.content ?? '', 'base64url')},${Buffer.byteLength(file.content ?? '')}`;
  const record = (lines: readonly string[]): ZipFileToBuild => ({ name: `${info}/RECORD`, content: [...lines, `${info}/RECORD,,`, ''].join('\n') });
  const sound = [code, metadata, format];
  const small = (files: readonly ZipFileToBuild[], extra: readonly ZipFileToBuild[] = []): Buffer => buildZip([...files, record(files.map(lineOf)), ...extra]);
  const url = 'https://files.example/m-1.0-py3-none-any.whl';

  it('takes what the builder of these cases makes of a sound wheel', async () => {
    expect(await opinion('pip.wheel', url, { bytes: small(sound) })).toMatchObject({ opinion: 'Unknown' });
  });

  it.each<[string, Buffer, string]>([
    ['a truncated file', wheel.subarray(0, -10), 'not a sound zip'],
    ['an empty body', Buffer.alloc(0), 'not a sound zip'],
    ['a changed file', buildZip([{ ...code, content: 'B = 1\n' }, metadata, format, record(sound.map(lineOf))]), 'has not the digest'],
    ['a file of another size', buildZip([{ ...code, content: 'A = 11\n' }, metadata, format, record(sound.map(lineOf))]), 'has not the size'],
    ['an unlisted file', small(sound, [{ name: 'extra.pth', content: 'import os' }]), 'does not list'],
    ['a listed file that is missing', buildZip([metadata, format, record(sound.map(lineOf))]), 'does not hold'],
    ['a weak digest', buildZip([...sound, record([`${code.name},md5=abc,6`, lineOf(metadata), lineOf(format)])]), 'SHA-256 or stronger'],
    ['a malformed RECORD', buildZip([...sound, record(['"open,x,1'])]), 'malformed'],
    ['a RECORD that lists a file twice', buildZip([...sound, record([...sound, code].map(lineOf))]), 'lists "m/__init__.py" twice'],
    ['no RECORD', buildZip(sound), 'has no'],
    ['two dist-info directories', small([...sound, { name: 'n-1.0.dist-info/METADATA' }]), '2 dist-info'],
    [
      'a dist-info directory of another version',
      small([{ ...metadata, content: 'Metadata-Version: 2.1\nName: m\nVersion: 1.1\n' }, code, format]),
      'another project or version',
    ],
    ['metadata with two names', small([{ ...metadata, content: 'Metadata-Version: 2.1\nName: m\nName: n\nVersion: 1.0\n' }, code, format]), 'more than once'],
    ['metadata that is none', small([{ ...metadata, content: '\x01\x02' }, code, format]), 'not a field'],
    ['a path that leaves', small([...sound, { name: '../x' }]), 'leaves'],
    ['a backslash', small([...sound, { name: '..\\x' }]), 'backslash'],
    ['a link', small([...sound, { name: 'l', content: '/etc', mode: 0o120777 }]), 'neither a file'],
    ['a file twice', small(sound, [code]), 'twice'],
    ['a file twice by another spelling', small(sound, [{ ...code, name: './m/__init__.py' }]), 'twice'],
    ['another name in the local header', small(sound.map((file) => (file === code ? { ...file, localName: 'm/__evil__.py' } : file))), 'two directories'],
    ['an encrypted file', small(sound.map((file) => (file === code ? { ...file, flags: 1 } : file))), 'encrypted'],
    ['an absurd size', small([...sound, { name: 'x', size: 0xfffffff0 }]), 'times its size'],
    ['a lying size', small(sound.map((file) => (file === metadata ? { ...file, size: 10 } : file))), 'not a sound zip'],
    ['a zip bomb', small([...sound, { name: 'zeros', content: Buffer.alloc(80 * 1024 * 1024) }]), 'times its size'],
  ])('rejects %s with a reason', async (_case, bytes, reason) => {
    expect(await opinion('pip.wheel', url, { bytes })).toEqual({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('refuses a file name that is not a wheel', async () => {
    expect(await opinion('pip.wheel', 'https://files.example/m.whl', { bytes: wheel })).toMatchObject({ opinion: 'Rejected' });
  });

  it('never throws, and never approves a changed wheel', async () => {
    const context = await contextWith(jsonPage([{ url: wheelUrl, hashes: { sha256: sha256(wheel) } }]));
    await fc.assert(
      fc.asyncProperty(fc.nat(wheel.length - 1), fc.integer({ min: 1, max: 255 }), async (position, change) => {
        const bytes = Buffer.from(wheel);
        bytes[position] = (bytes[position] as number) ^ change;
        const result = await inspect(createRequest(wheelUrl, pip), { bytes }, context);
        expect(result.verdict).toBe('Rejected');
        expect(result.inspections['pip.wheel']?.reason).not.toContain('inspection failed');
      }),
      { numRuns: 200 },
    );
  });
});

describe('pip.sdist', () => {
  const context = (): Promise<InspectionContext> => contextWith(jsonPage([{ url: sdistUrl, hashes: { sha256: sha256(sdist) } }]));

  it('approves what setuptools made when an index declares it', async () => {
    const result = await inspect(createRequest(sdistUrl, pip), { bytes: sdist }, await context());
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.python.sdist', name: 'millrace-sample', version: '1.0.0' } });
  });

  it('rejects a changed one', async () => {
    const other = buildTgz([{ name: 'x/PKG-INFO', content: 'Metadata-Version: 1.0\nName: millrace_sample\nVersion: 1.0\n' }]);
    expect(await opinion('pip.sdist', sdistUrl, { bytes: other, context: await context() })).toEqual({
      opinion: 'Rejected',
      reason: expect.stringContaining('SHA-256 digest'),
    });
    expect(await opinion('pip.sdist', sdistUrl, { bytes: other })).toMatchObject({ opinion: 'Unknown' });
  });

  it('reads zip archives too', async () => {
    const bytes = buildZip([{ name: 'a-b-1.0/PKG-INFO', content: 'Metadata-Version: 1.0\nName: A.B\nVersion: 1.0.0\n' }]);
    expect(await opinion('pip.sdist', 'https://files.example/a-b-1.0.zip', { bytes })).toMatchObject({ opinion: 'Unknown' });
  });

  it.each<[string, Buffer, string]>([
    ['no PKG-INFO', buildTgz([{ name: 'x/setup.py' }]), 'no PKG-INFO'],
    ['two PKG-INFO', buildTgz([{ name: 'x/PKG-INFO' }, { name: 'y/PKG-INFO' }]), 'more than one'],
    ['another version', buildTgz([{ name: 'x/PKG-INFO', content: 'Metadata-Version: 1.0\nName: millrace-sample\nVersion: 2\n' }]), 'does not say'],
    ['a link that leaves', buildTgz([{ name: 'x/l', type: '2', link: '../../etc' }]), 'outside'],
    ['a truncated file', sdist.subarray(0, 200), 'gzip'],
    ['a truncated tar', gzipSync(Buffer.alloc(700, 0x41)), 'checksum'],
  ])('rejects %s with a reason', async (_case, bytes, reason) => {
    expect(await opinion('pip.sdist', sdistUrl, { bytes })).toEqual({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('has no say on archives that other programs fetch', async () => {
    const result = await inspect(createRequest(sdistUrl, { 'user-agent': 'curl/8' }), { bytes: sdist }, createContext());
    expect(result).toMatchObject({ verdict: 'Rejected', inspections: { default: { opinion: 'Unknown' } }, metadata: { type: 'application/gzip' } });
  });
});

describe('pip.metadata', () => {
  const bytes = Buffer.from('Metadata-Version: 2.1\nName: millrace-sample\nVersion: 1.0.0\n');
  const page = (digest: unknown): Buffer => jsonPage([{ url: wheelUrl, hashes: { sha256: sha256(wheel) }, 'core-metadata': digest }]);

  it('approves, rejects or leaves open by the digest that the index declares', async () => {
    const of = async (digest: unknown): Promise<string | undefined> =>
      (await opinion('pip.metadata', `${wheelUrl}.metadata`, { bytes, context: await contextWith(page(digest)) }))?.opinion;
    expect(await of({ sha256: sha256(bytes) })).toBe('Approved');
    expect(await of({ sha256: sha256('other') })).toBe('Rejected');
    expect(await of(true)).toBe('Unknown');
  });

  it('rejects the metadata of another project', async () => {
    expect(await opinion('pip.metadata', 'https://files.example/o-1.0-py3-none-any.whl.metadata', { bytes })).toMatchObject({ opinion: 'Rejected' });
  });
});
