import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildZip } from '../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildPackage, odataEntry, packageHash, sampleNuspec } from './__fixtures__/sample-package.js';
import { normaliseVersion } from './package-id.js';

const nuget = { 'user-agent': 'NuGet .NET Core MSBuild Task/6.8.0 (Linux)' };
const feed = 'https://feed.example/nuget/';
const source = 'https://feed.example/api/v2/package/Millrace.Sample/1.0.0';
const flat = 'https://flat.example/v3/flat/millrace.sample/1.0.0/millrace.sample.1.0.0.nupkg';
const sample = buildPackage();
const other = buildPackage([{ name: 'content/other.txt', content: 'two' }]);
const entry = odataEntry({ base: feed, source, hash: packageHash(sample) });

async function learn(context: InspectionContext, url: string, document: string | object): Promise<string> {
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
  const { opinion, reason } = (await inspect(createRequest(url, nuget), { bytes }, context)).inspections['nuget.index'] ?? {};
  return `${opinion}: ${reason}`;
}

async function opinionOn(bytes: Buffer, context: InspectionContext, url = source): Promise<string> {
  const { opinion, reason } = (await inspect(createRequest(url, nuget), { bytes }, context)).inspections['nuget.package'] ?? {};
  return `${opinion}: ${reason}`;
}

const entryUrl = `${feed}Packages(Id='Millrace.Sample',Version='1.0.0')`;

describe('nuget.index', () => {
  it('reads the documents of protocol version 2', async () => {
    const context = createContext();
    expect(await inspect(createRequest(entryUrl, nuget), { bytes: Buffer.from(entry) }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'nuget.index': { annotations: { kind: 'entry', entries: 1, hashes: 1 } } },
      metadata: { type: 'application/x.nuget.entry' },
    });
    const list = `<feed xmlns="http://www.w3.org/2005/Atom">${entry.slice(entry.indexOf('<entry'))}</feed>`;
    expect(await learn(context, `${feed}FindPackagesById()?id='Millrace.Sample'`, list)).toBe('Approved: valid NuGet index');
    expect(await learn(context, feed, '<service xmlns="http://www.w3.org/2007/app"/>')).toBe('Approved: valid NuGet index');
    expect(await learn(context, `${feed}$metadata`, '<edmx:Edmx Version="1.0" xmlns:edmx="x"/>')).toBe('Approved: valid NuGet index');
  });

  it.each<[string, object]>([
    ['service index', { version: '3.0.0', resources: [{ '@id': 'https://flat.example/v3/flat/', '@type': 'PackageBaseAddress/3.0.0' }] }],
    ['list of versions', { versions: ['1.0.0', '2.0.0-beta.1'] }],
    ['search', { totalHits: 0, data: [] }],
    ['registration', { count: 1, items: [{ '@id': 'https://x.example/page', count: 1, items: [] }] }],
    ['registration of a release', { '@id': 'https://x.example/leaf', catalogEntry: 'https://x.example/entry', packageContent: flat }],
    ['list of signing certificates', { allRepositorySigned: true, signingCertificates: [{ fingerprints: { '2.16.840.1.101.3.4.2.1': 'a'.repeat(64) } }] }],
    ['index of vulnerabilities', [{ '@name': 'base', '@id': 'https://x.example/base.json', '@updated': '2026-01-01' }]],
    ['page of vulnerabilities', { 'some.package': [{ severity: 1, url: 'https://x.example/advisory', versions: '(, 1.0.0)' }] }],
  ])('reads a %s of version 3', async (_case, document) => {
    expect(await learn(createContext(), 'https://x.example/v3/index.json', document)).toBe('Approved: valid NuGet index');
  });

  it.each<[string, string | object, string]>([
    ['a feed with an entry of nothing', '<feed><entry/></feed>', 'without a valid package id and version'],
    ['a hash that is none', entry.replace(packageHash(sample), 'AAAA'), 'a package hash that is none'],
    ['a hash of another algorithm', entry.replace('>SHA512<', '>MD5<'), 'unsupported algorithm "MD5"'],
    ['an entity', `<!DOCTYPE entry [<!ENTITY x "y">]>${entry.slice(entry.indexOf('<entry'))}`, 'document type declaration'],
    ['a feed that is cut off', entry.slice(0, 900), 'not well-formed'],
    ['an index of another version', { version: '4', resources: [] }, 'not one of version 3'],
    ['versions that are none', { versions: ['1.0.0', '<script>'] }, 'holds something else'],
    ['a certificate without a fingerprint', { signingCertificates: [{}] }, 'without a SHA-256 fingerprint'],
    ['a catalogue entry of nothing', { packageHash: 'x' }, 'no valid "id"'],
    ['JSON that nests deeply', '['.repeat(100_000), 'nested deeper'],
    ['JSON that is cut off', '{"versions": [', 'not valid JSON'],
  ])('rejects %s', async (_case, document, reason) => {
    const opinion = await learn(createContext(), 'https://x.example/v3/index.json', document);
    expect(opinion).toContain('Rejected: ');
    expect(opinion).toContain(reason);
  });

  it.each<[string, string | object]>([['another object', { hello: 'world' }], ['an empty object', {}], ['a page of HTML', '<html><body/></html>'], ['text', 'hello'], ['nothing', '']])(
    'says Unknown to %s',
    async (_case, document) => {
      expect(await learn(createContext(), 'https://x.example/v3/index.json', document)).toBe('Unknown: the answer is none of the documents that NuGet sources have');
    },
  );

  it('has no say on other clients, except where the URL alone tells', async () => {
    const bytes = Buffer.from('{"versions":[]}');
    expect(Object.keys((await inspect(createRequest('https://x.example/v3/index.json'), { bytes }, createContext())).inspections)).toEqual(['default']);
    expect((await inspect(createRequest(entryUrl), { bytes: Buffer.from(entry) }, createContext())).verdict).toBe('Approved');
  });
});

describe('nuget.package', () => {
  it('approves a package whose hash a feed declares, and tells what it is', async () => {
    const context = createContext();
    await learn(context, entryUrl, entry);
    expect(await inspect(createRequest(source, nuget), { bytes: sample }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'nuget.package': { reason: 'valid NuGet package', annotations: { 'checked-digest': 'sha512', 'has-signature': false } } },
      metadata: {
        type: 'application/x.nuget.package',
        name: 'Millrace.Sample',
        version: '1.0.0',
        author: 'Ada Lovelace',
        vendor: 'Millrace',
        license: 'MIT',
        copyright: '1843',
        description: 'A sample.',
        purl: 'pkg:nuget/Millrace.Sample@1.0.0',
      },
    });
    expect(await opinionOn(other, context)).toBe("Rejected: the package's sha512 hash is not the one that the index declares");
  });

  it('holds a source that declares the URL to its own hash, whatever another says', async () => {
    const context = createContext();
    await learn(context, entryUrl, entry);
    await learn(context, "https://other.example/Packages(Id='Millrace.Sample',Version='1.0')", odataEntry({ base: feed, source: 'https://other.example/x.nupkg', hash: packageHash(other), version: '1.0' }));
    expect(await opinionOn(other, context)).toContain('Rejected: ');
    expect(await opinionOn(other, context, 'https://other.example/x.nupkg')).toBe('Approved: valid NuGet package');
  });

  describe('of protocol version 3', () => {
    const catalogue = 'https://catalogue.example/data/2026.01.02.03.04.05/millrace.sample.1.0.0.json';
    const leaf = 'https://registration.example/v3/millrace.sample/1.0.0.json';
    const resources = [
      { '@id': 'https://flat.example/v3/flat/', '@type': 'PackageBaseAddress/3.0.0' },
      { '@id': 'https://registration.example/v3/', '@type': ['RegistrationsBaseUrl/3.6.0'] },
    ];
    const documents: Readonly<Record<string, object>> = {
      [leaf]: { '@id': leaf, catalogEntry: catalogue },
      [catalogue]: { id: 'Millrace.Sample', version: '1.0.0', packageHash: packageHash(sample), packageHashAlgorithm: 'SHA512', published: '2026-01-02T03:04:05Z' },
    };

    function consulting(): { readonly context: InspectionContext; readonly asked: string[] } {
      const asked: string[] = [];
      const context: InspectionContext = {
        ...createContext(),
        consult: async (url) => {
          asked.push(url);
          const document = documents[url];
          if (document === undefined) return 'unreachable';
          // As the proxy asks: with no client's name.
          const result = await inspect(createRequest(url), { bytes: Buffer.from(JSON.stringify(document)) }, context);
          return result.verdict === 'Approved' ? 'approved' : 'refused';
        },
      };
      return { context, asked };
    }

    it('has the proxy ask for the hash that its client does not ask for', async () => {
      const { context, asked } = consulting();
      await learn(context, 'https://flat.example/v3/index.json', { version: '3.0.0', resources });
      expect(await opinionOn(sample, context, flat)).toBe('Approved: valid NuGet package');
      expect(asked).toEqual([leaf, catalogue]);
      expect(await opinionOn(other, context, flat)).toContain('Rejected: ');
    });

    it('says Unknown when the source has no catalogue or no service index was read', async () => {
      const { context, asked } = consulting();
      expect(await opinionOn(sample, context, flat)).toMatch(/^Unknown: .*no index of this session declares a hash for Millrace\.Sample 1\.0\.0/);
      await learn(context, 'https://flat.example/v3/index.json', { version: '3.0.0', resources: resources.slice(0, 1) });
      expect(await opinionOn(sample, context, flat)).toMatch(/^Unknown: /);
      expect(asked).toEqual([]);
    });
  });

  it.each<[string, Buffer, string]>([
    ['that is no zip', Buffer.from('<html/>'), 'not a sound zip'],
    ['that is cut off', sample.subarray(0, sample.length - 10), 'not a sound zip'],
    ['that is empty', Buffer.alloc(0), 'not a sound zip'],
    ['without a .nuspec in its root', buildZip([{ name: 'lib/x.nuspec', content: sampleNuspec }]), '0 .nuspec files'],
    ['with two .nuspec files', buildPackage([{ name: 'Other.nuspec', content: sampleNuspec }]), '2 .nuspec files'],
    ['with a .nuspec of nothing', buildPackage([], '<package><metadata/></package>'), 'no valid id and version'],
    ['with a .nuspec that is none', buildPackage([], '<html/>'), 'no metadata'],
    ['with two ids', buildPackage([], sampleNuspec.replace('<id>', '<ID>Evil</ID><id>')), 'two elements "id"'],
    ['with an entity', buildPackage([], `<!DOCTYPE package [<!ENTITY x "y">]>${sampleNuspec.slice(39)}`), 'document type declaration'],
    ['of another version', buildPackage([], sampleNuspec.replace('1.0.0', '1.0.1')), 'but its URL is that of millrace.sample 1.0.0'],
    ['of another id', buildPackage([], sampleNuspec.replace('Millrace.Sample', 'Evil')), 'the package holds Evil 1.0.0'],
    ['with a name that leads outside', buildPackage([{ name: '../evil.dll', content: 'x' }]), 'leaves the archive'],
    ['that unpacks to far more', buildPackage([{ name: 'bomb', content: 'x', size: 80 * 1024 * 1024 }]), 'times its size'],
  ])('rejects one %s', async (_case, bytes, reason) => {
    expect(await opinionOn(bytes, createContext(), flat)).toContain('Rejected: ');
    expect(await opinionOn(bytes, createContext(), flat)).toContain(reason);
  });

  it('never approves a declared package with a byte changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, entryUrl, entry);
    await fc.assert(
      fc.asyncProperty(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(sample);
        changed[at] = (changed[at] as number) ^ change;
        expect(await opinionOn(changed, context, `${source}/millrace.nupkg`)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
      }),
      { numRuns: 100 },
    );
  });

  it('never fails otherwise than by an opinion on what is made of a feed', async () => {
    const bytes = Buffer.from(entry);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 6 }), async (at, put) => {
        const changed = Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at + put.length)]);
        const result = await inspect(createRequest(entryUrl, nuget), { bytes: changed }, createContext());
        expect(result.inspections['nuget.index']?.reason ?? 'none').not.toContain('the inspection failed');
      }),
      { numRuns: 100 },
    );
  });
});

it.each([
  ['1.0', '1.0.0'],
  ['1', '1.0.0'],
  ['01.02.03.0', '1.2.3'],
  ['1.2.3.4', '1.2.3.4'],
  ['1.0.0-Beta.1+build', '1.0.0-beta.1'],
  ['1.0.0.0.0', undefined],
  ['v1', undefined],
  ['', undefined],
  ['1.0.0-', undefined],
])('normalises version %j to %j', (version, expected) => {
  expect(normaliseVersion(version)).toBe(expected);
});
