import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { aptFixture, createSigningKey, digestOf, packagesOf, packed, releaseOf, signInline, sourcesOf, type SigningKey } from './__fixtures__/sample-repository.js';

const root = 'https://archive.example/debian';
const base = `${root}/dists/stable`;
const debPath = 'pool/main/m/millrace-src/millrace-sample_1.0-1_all.deb';
const deb = aptFixture('sample-xz.deb');
const packages = packagesOf([{ path: debPath, bytes: deb }]);
const dsc = 'millrace-src_1.0-1.dsc';
const sourceNames = [dsc, 'millrace-src_1.0.orig.tar.gz', 'millrace-src_1.0-1.debian.tar.xz'];
const sources = sourcesOf('pool/main/m/millrace-src', sourceNames);
const translation = Buffer.from('Package: millrace-sample\nDescription-md5: 0\nDescription-en: sample\n');
const patch = gzipSync('1d\n.\n');
const diffIndex = Buffer.from(`SHA256-Current: ${'a'.repeat(64)} 10\nSHA256-Download:\n ${digestOf(patch)} ${patch.length} T-1.gz\n`);
const listed: Readonly<Record<string, Buffer>> = {
  ...packed('main/binary-amd64/Packages', packages),
  ...packed('main/source/Sources', sources),
  ...packed('main/i18n/Translation-en', translation),
  'main/binary-amd64/Packages.diff/Index': diffIndex,
  'extra/binary-amd64/Packages': packages,
  'main/Contents-amd64.gz': gzipSync('FILE LOCATION\n'),
  'main/cnf/Commands-amd64.xz': Buffer.from('sample'),
  'main/dep11/Components-amd64.yml.gz': gzipSync('---\n'),
  'main/dep11/icons-64x64.tar.gz': gzipSync('icons'),
};
let key: SigningKey;
beforeAll(async () => {
  key = await createSigningKey();
});

async function session(files: Readonly<Record<string, Buffer>> = listed, settings: Record<string, unknown> = {}, directory = base): Promise<InspectionContext> {
  const repository = { urls: ['https://**'], 'public-key': key.publicKey, ...settings };
  const context = { ...createContext(), configuration: { apt: { repositories: { sample: repository } } } };
  const release = await give(`${directory}/InRelease`, await signInline(releaseOf(files), key), context);
  expect(release.verdict).toBe('Approved');
  return context;
}

function give(url: string, bytes: Buffer, context: InspectionContext): Promise<ResponseInspectionResult> {
  return inspect(createRequest(url, { 'user-agent': 'Debian APT-HTTP/1.3 (2.6.1)' }), { bytes }, context);
}

async function opinions(url: string, bytes: Buffer, context: InspectionContext): Promise<string> {
  const { inspections } = await give(url, bytes, context);
  return Object.entries(inspections).map(([id, { opinion, reason }]) => `${id} ${opinion}: ${reason}`).join('\n');
}

describe('indexes', () => {
  it.each([
    ['main/binary-amd64/Packages', 'apt.packages', 'application/x.apt.packages'],
    ['main/binary-amd64/Packages.gz', 'apt.packages', 'application/x.apt.packages'],
    ['main/binary-amd64/Packages.zst', 'apt.packages', 'application/x.apt.packages'],
    ['main/source/Sources.gz', 'apt.packages', 'application/x.apt.sources'],
    ['main/i18n/Translation-en.gz', 'apt.translation', 'application/x.apt.translation'],
    ['main/cnf/Commands-amd64.xz', 'apt.commands', 'application/x.apt.commands'],
    ['main/Contents-amd64.gz', 'apt.index', 'application/x.apt.contents'],
    ['main/dep11/Components-amd64.yml.gz', 'apt.index', 'application/x.apt.components'],
    ['main/dep11/icons-64x64.tar.gz', 'apt.index', 'application/x.apt.icons'],
    ['main/binary-amd64/Packages.diff/Index', 'apt.index', 'application/x.apt.diff-index'],
  ] as const)('approve %s by name and by hash', async (name, id, type) => {
    const context = await session();
    const bytes = listed[name] as Buffer;
    const directory = `${base}/${name.slice(0, name.lastIndexOf('/'))}`;
    const urls = [`${base}/${name}`, `${directory}/by-hash/SHA256/${digestOf(bytes)}`, `${directory}/by-hash/SHA512/${digestOf(bytes, 'sha512')}`];
    for (const url of urls) {
      expect(await give(url, bytes, context)).toMatchObject({ verdict: 'Approved', inspections: { [id]: { opinion: 'Approved' } }, metadata: { type, vendor: 'Sample', signedBy: `openpgp:${key.fingerprint}` } });
    }
  });

  it('refuses one byte more, by name and by hash', async () => {
    const context = await session();
    const changed = Buffer.concat([packages, Buffer.from('\n')]);
    expect(await opinions(`${base}/main/binary-amd64/Packages`, changed, context)).toMatch(/^apt.packages Rejected: the index is not the one that the signed Release file declares/);
    expect(await opinions(`${base}/main/binary-amd64/by-hash/SHA256/${digestOf(packages)}`, changed, context)).toMatch(/^apt.packages Rejected: the file does not have the digest that its URL names/);
    expect(await opinions(`${base}/main/binary-amd64/by-hash/SHA256/${digestOf(changed)}`, changed, context)).toMatch(/^apt.packages Unknown: .*does not declare/);
  });

  it('does not know what no signed release declares', async () => {
    const none = { ...createContext() };
    expect(await opinions(`${base}/main/binary-amd64/Packages`, packages, none)).toMatch(/^apt.packages Unknown: no signed Release file of this session/);
    expect(await opinions(`${base}/main/binary-i386/Packages`, packages, await session())).toMatch(/^apt.packages Unknown: .*does not declare this index/);
    expect(await opinions('https://other.example/debian/dists/stable/main/binary-amd64/Packages', packages, await session())).toMatch(/Unknown: no signed Release/);
  });

  it('refuses components that are not configured', async () => {
    const context = await session(listed, { components: ['main'] });
    expect((await give(`${base}/main/binary-amd64/Packages`, packages, context)).verdict).toBe('Approved');
    expect(await opinions(`${base}/extra/binary-amd64/Packages`, packages, context)).toMatch(/Rejected: the component "extra" is not one/);
  });

  it('keeps what the release before an update declared', async () => {
    const context = await session();
    const updated = Buffer.concat([packages, Buffer.from('\n')]);
    await give(`${base}/InRelease`, await signInline(releaseOf({ 'main/binary-amd64/Packages': updated }), key), context);
    for (const bytes of [packages, updated]) expect((await give(`${base}/main/binary-amd64/Packages`, bytes, context)).verdict).toBe('Approved');
  });

  it.each([
    ['no gzip', Buffer.from('Package: x\n')],
    ['cut gzip', gzipSync(packages).subarray(0, 40)],
    ['a name that leads outside', gzipSync('Package: x\nFilename: ../../x.deb\nSize: 1\nSHA256: '.concat('a'.repeat(64)))],
    ['no size', gzipSync('Package: x\nFilename: x.deb\nSHA256: '.concat('a'.repeat(64)))],
    ['a digest that is none', gzipSync('Package: x\nFilename: x.deb\nSize: 1\nSHA256: abc')],
    ['no fields', gzipSync('hello world')],
    ['a continuation first', gzipSync(' hello')],
    ['a line without end', gzipSync(Buffer.alloc(2 * 1024 * 1024, 'x'))],
    ['a bomb', gzipSync(Buffer.alloc(128 * 1024 * 1024, '\n'))],
  ])('rejects Packages with %s although it is declared', async (_case, bytes) => {
    const context = await session({ 'main/binary-amd64/Packages.gz': bytes });
    expect(await opinions(`${base}/main/binary-amd64/Packages.gz`, bytes, context)).toMatch(/^apt.packages Rejected: /);
  });

  it('approves patches that the list of them declares', async () => {
    const context = await session();
    const directory = `${base}/main/binary-amd64/Packages.diff`;
    expect(await opinions(`${directory}/T-1.gz`, patch, context)).toMatch(/^apt.diff Unknown/);
    await give(`${directory}/Index`, diffIndex, context);
    for (const url of [`${directory}/T-1.gz`, `${directory}/by-hash/SHA256/${digestOf(patch)}`]) expect((await give(url, patch, context)).verdict).toBe('Approved');
    expect(await opinions(`${directory}/T-1.gz`, Buffer.from('x'), context)).toMatch(/^apt.diff Rejected/);
  });
});

describe('packages', () => {
  it('are approved by the digest that an index declares, and tell what they are', async () => {
    const context = await session();
    await give(`${base}/main/binary-amd64/Packages.gz`, listed['main/binary-amd64/Packages.gz'] as Buffer, context);
    expect(await give(`${root}/${debPath}`, deb, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { deb: { annotations: { 'declared-by': 'https://archive.example:443/debian/dists/stable/main/binary-amd64/Packages.gz', 'data-entries': 13 } } },
      metadata: {
        type: 'application/vnd.debian.binary-package',
        name: 'millrace-sample',
        version: '1:1.0-1',
        architecture: 'all',
        author: 'Ada Example',
        authorEmail: 'ada@registry.example',
        description: 'sample package',
        license: '(GPL-2.0-or-later OR MIT) AND MIT',
        copyright: '2024 Ada Example',
        sourcePackage: 'millrace-src',
        vendor: 'Sample',
        purl: 'pkg:deb/sample/millrace-sample@1%3A1.0-1?arch=all',
        signedBy: `openpgp:${key.fingerprint}`,
      },
    });
    expect((await give(`${root}/${debPath.replaceAll('-', '%2d')}`, deb, context)).verdict).toBe('Approved');
  });

  it('are rejected when they are others, unknown when nobody declares them', async () => {
    const context = await session();
    expect(await opinions(`${root}/${debPath}`, deb, context)).toMatch(/^deb Unknown: .*let apt fetch its lists through the proxy/);
    await give(`${base}/main/binary-amd64/Packages`, packages, context);
    expect(await opinions(`${root}/${debPath}`, aptFixture('sample-zstd.deb'), context)).toMatch(/^deb Rejected: the Debian package is not the one that the index declares/);
    expect(await opinions(`https://archive.example/other/${debPath}`, deb, context)).toMatch(/^deb Unknown/);
    expect(await opinions(`https://other.example/debian/${debPath}`, deb, context)).toMatch(/^deb Unknown/);
  });

  it('are approved of a flat repository', async () => {
    const flat = packagesOf([{ path: './millrace-sample_1.0-1_all.deb', bytes: deb }]);
    const context = await session({ Packages: flat }, {}, 'https://flat.example/repo');
    expect((await give('https://flat.example/repo/Packages', flat, context)).verdict).toBe('Approved');
    expect((await give('https://flat.example/repo/millrace-sample_1.0-1_all.deb', deb, context)).verdict).toBe('Approved');
  });

  it('are found by consulting the indexes that apt did not ask for', async () => {
    const consulted: string[] = [];
    const context: InspectionContext = {
      ...(await session()),
      consult: async (url) => {
        consulted.push(url);
        const bytes = listed[url.slice('https://archive.example:443/debian/dists/stable/'.length)] as Buffer;
        return (await give(url, bytes, context)).verdict === 'Approved' ? 'approved' : 'refused';
      },
    };
    expect((await give(`${root}/${debPath.replace('_all', '_amd64')}`, deb, context)).verdict).toBe('Rejected');
    expect(consulted).toEqual(['https://archive.example:443/debian/dists/stable/main/binary-amd64/Packages.zst']);
    expect((await give(`${root}/${debPath}`, deb, context)).verdict).toBe('Approved');
    expect((await give(`${root}/pool/main/m/millrace-src/${dsc}`, aptFixture(dsc), context)).verdict).toBe('Approved');
  });

  it('are found among a hundred thousand', async () => {
    const many = Buffer.from(
      Array.from({ length: 100_000 }, (_, number) => `Package: p${number}\nVersion: 1\nFilename: pool/p/p${number}_1_all.deb\nSize: ${number}\nSHA256: ${'b'.repeat(64)}\n`).join('\n') + `\n${packages.toString()}`,
    );
    const context = await session({ 'main/binary-all/Packages.gz': gzipSync(many) });
    expect(await give(`${base}/main/binary-all/Packages.gz`, gzipSync(many), context)).toMatchObject({ inspections: { 'apt.packages': { opinion: 'Approved', annotations: { files: 100_001 } } } });
    expect((await give(`${root}/${debPath}`, deb, context)).verdict).toBe('Approved');
  });
});

describe('sources', () => {
  const pool = `${root}/pool/main/m/millrace-src`;

  it('are approved by Sources, or by the description that was', async () => {
    const context = await session();
    await give(`${base}/main/source/Sources.gz`, listed['main/source/Sources.gz'] as Buffer, context);
    expect(await give(`${pool}/${dsc}`, aptFixture(dsc), context)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.debian.source-control', name: 'millrace-src', version: '1.0-1', author: 'Ada Example', purl: 'pkg:deb/sample/millrace-src@1.0-1?arch=source' },
    });
    for (const name of sourceNames.slice(1))
      expect(await give(`${pool}/${name}`, aptFixture(name), context)).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.debian.source-file', name: 'millrace-src', version: '1.0-1' } });
    expect(await opinions(`${pool}/${sourceNames[1]}`, Buffer.from('x'), context)).toMatch(/^apt.source Rejected: the source file is not the one/);
  });

  it('are approved by the description alone where Sources declares only that', async () => {
    const alone = sourcesOf('pool/main/m/millrace-src', [dsc]);
    const context = await session({ 'main/source/Sources': alone });
    await give(`${base}/main/source/Sources`, alone, context);
    expect(await opinions(`${pool}/${sourceNames[1]}`, aptFixture(sourceNames[1] as string), context)).toMatch(/^apt.source Unknown/);
    await give(`${pool}/${dsc}`, aptFixture(dsc), context);
    expect((await give(`${pool}/${sourceNames[1]}`, aptFixture(sourceNames[1] as string), context)).verdict).toBe('Approved');
  });

  it('are unknown without any index', async () => {
    expect(await opinions(`${pool}/${dsc}`, aptFixture(dsc), createContext())).toMatch(/^apt.source Unknown/);
    const signed = await signInline(aptFixture(dsc).toString(), key);
    expect(await opinions(`${pool}/${dsc}`, signed, createContext())).toMatch(/^apt.source Unknown/);
    const { inspections } = await inspect(createRequest('https://files.example/some_1.0.tar.gz'), { bytes: Buffer.from('x') }, createContext());
    expect(inspections['apt.source']).toBeUndefined();
  });
});
