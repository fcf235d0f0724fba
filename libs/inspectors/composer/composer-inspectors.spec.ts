import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTgz } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildDist, metadataOf, sampleManifest, sha1 } from './__fixtures__/sample-dist.js';

const composer = { 'user-agent': 'Composer/2.5.5 (Linux; 6.1; PHP 8.2.35; streams)' };
const metadataUrl = 'https://registry.example/repo/p2/millrace/sample.json';
const distUrl = 'https://dist.example/zips/1234?type=zip';
const commit = 'ab'.repeat(20);
const honest = buildDist();

async function learn(context: InspectionContext, dist: Readonly<Record<string, unknown>>): Promise<void> {
  const result = await inspect(createRequest(metadataUrl, composer), { bytes: metadataOf({ type: 'zip', url: distUrl, ...dist }) }, context);
  expect(result.verdict).toBe('Approved');
}

async function opinionOn(bytes: Buffer, context = createContext(), url = distUrl): Promise<string> {
  const result = await inspect(createRequest(url, composer), { bytes }, context);
  const { opinion, reason } = result.inspections['composer.dist'] ?? {};
  return `${opinion}: ${reason}`;
}

async function repositoryOpinion(path: string, text: string | Buffer, context = createContext()): Promise<string> {
  const result = await inspect(createRequest(`https://registry.example/repo/${path}`, composer), { bytes: Buffer.from(text) }, context);
  const { opinion, reason } = result.inspections['composer.repository'] ?? {};
  return `${opinion}: ${reason}`;
}

describe('composer.repository', () => {
  it('approves metadata of the package that was asked for, and counts what it teaches', async () => {
    const result = await inspect(createRequest(metadataUrl), { bytes: metadataOf({ url: distUrl, shasum: sha1(honest) }) }, createContext());
    expect(result).toMatchObject({
      verdict: 'Approved',
      inspections: { 'composer.repository': { annotations: { dists: 2, remembered: 3, 'with-checksum': 1 } } },
      metadata: { type: 'application/x.composer.metadata', name: 'millrace/sample', purl: 'pkg:composer/millrace/sample' },
    });
  });

  const one = (version: unknown): string => JSON.stringify({ packages: { 'millrace/sample': [version] } });
  it.each([
    ['of another package', '{"packages":{"a/b":[]}}', 'not that of millrace/sample'],
    ['of another package inside', one({ name: 'a/b', version: '1' }), 'another name inside'],
    ['without a version', one({ name: 'millrace/sample' }), 'no version number'],
    ['with a version that is none', one(1), 'is not an object'],
    ['with a dist without a URL', one({ version: '1', dist: {} }), 'a dist without a URL'],
    ['with half a checksum', one({ version: '1', dist: { url: 'x', shasum: 'abc' } }), 'a shasum that is no SHA-1'],
    ['with versions that are none', '{"packages":{"millrace/sample":1}}', 'neither a list nor an object'],
    ['with packages that are none', '{"packages":1}', 'not an object'],
    ['with a package without a vendor', '{"packages":{"x":[]}}', 'the name "x"'],
    ['that is a list', '[]', 'not a JSON object'],
    ['that nests deeply', '['.repeat(10_000), 'nested deeper'],
    ['that is cut off', '{"packages":', 'not valid JSON'],
  ])('rejects metadata %s', async (_case, text, reason) => {
    expect(await repositoryOpinion('p2/millrace/sample.json', text)).toMatch(/^Rejected: /);
    expect(await repositoryOpinion('p2/millrace/sample.json', text)).toContain(reason);
  });

  it('approves roots and parts that are what their names say', async () => {
    const part = JSON.stringify({ packages: { 'millrace/sample': { '1.0.0': { name: 'millrace/sample', version: '1.0.0', dist: { url: distUrl, shasum: sha1(honest) } } } } });
    const digest = createHash('sha256').update(part).digest('hex');
    expect(await repositoryOpinion('packages.json', '{"packages":[],"metadata-url":"/p2/%package%.json"}')).toBe('Approved: valid root of a Composer repository');
    const context = createContext();
    expect(await repositoryOpinion(`p/all$${digest}.json`, part, context)).toBe('Approved: valid part of a Composer repository');
    expect(await opinionOn(honest, context)).toBe('Approved: valid Composer package');
    expect(await repositoryOpinion(`include/all%24${sha1(Buffer.from(part))}.json`, part)).toContain('Approved');
    expect(await repositoryOpinion(`p/all$${digest}.json`, `${part} `)).toContain("the document's sha256 digest is not the one in its name");
    expect(await repositoryOpinion('packages.json', '{"error":"x"}')).toContain('not one of a Composer repository');
  });

  it('has no say on other clients, but on metadata at its usual place whoever asks', async () => {
    for (const url of ['https://registry.example/packages.json', 'https://registry.example/x/millrace/sample.json', distUrl])
      expect(Object.keys((await inspect(createRequest(url), { bytes: Buffer.from('{"packages":[]}') }, createContext())).inspections)).toEqual(['default']);
  });
});

describe('composer.dist', () => {
  it('approves an archive with the declared checksum, and tells what it is', async () => {
    const context = createContext();
    await learn(context, { shasum: sha1(honest), reference: commit });
    expect(await inspect(createRequest(distUrl, composer), { bytes: honest }, context)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'composer.dist': { annotations: { 'declared-by': [metadataUrl.replace('.example', '.example:443')], 'checked-digest': 'sha1' } } },
      metadata: {
        type: 'application/x.composer.package',
        name: 'millrace/sample',
        version: '1.0.0',
        license: 'MIT OR Apache-2.0',
        author: 'Ada Lovelace, Charles',
        authorEmail: 'ada@example.test',
        vendor: 'https://example.test/sample',
        purl: 'pkg:composer/millrace/sample@1.0.0',
        // From the version before it, as minified metadata means it.
        published: '2024-01-02T03:04:05.000Z',
      },
    });
  });

  it('approves it from a mirror too, where the checksum alone counts', async () => {
    const context = createContext();
    await learn(context, { shasum: sha1(honest) });
    expect(await opinionOn(honest, context, 'https://mirror.example/x/1')).toBe('Approved: valid Composer package');
    expect(await opinionOn(buildDist('<?php // two\n'), context, 'https://mirror.example/x/1')).toMatch(/^Unknown: /);
  });

  it('rejects another checksum, also when the archive names the declared commit', async () => {
    const context = createContext();
    await learn(context, { shasum: sha1(honest), reference: commit });
    expect(await opinionOn(buildDist('<?php // two\n', { commit }), context)).toBe("Rejected: the dist's SHA-1 checksum is not the one that the repository declares");
  });

  it('takes the commit that an archive names only where the configuration trusts its origin', async () => {
    const context = createContext();
    await learn(context, { shasum: '', reference: commit });
    const forge = buildDist('<?php // one\n', { commit });
    expect(await opinionOn(forge, context)).toMatch(/^Unknown: the repository declares no checksum for this archive, only a commit/);
    const trusting = (origins: unknown): InspectionContext => ({ ...context, configuration: { composer: { 'commit-origins': origins } } });
    expect(await opinionOn(forge, trusting(['https://dist.example']))).toMatch(/^Approved: valid Composer package by the commit/);
    expect(await opinionOn(forge, trusting(['https://other.example']))).toMatch(/^Unknown: /);
    expect(await opinionOn(honest, trusting(['https://dist.example', 7]))).toMatch(/^Unknown: /);
    expect(await opinionOn(buildDist('', { commit: 'cd'.repeat(20) }), trusting('https://dist.example'))).toContain('Rejected: the archive says that it is of the commit cdcd');
  });

  it('asks the repositories that it knows when nobody has declared the archive yet', async () => {
    const context = createContext();
    await repositoryOpinion('packages.json', '{"packages":[],"metadata-url":"p2/%package%.json"}', context);
    const asked: string[] = [];
    const consult = async (url: string): Promise<'approved' | 'unreachable'> => {
      asked.push(url);
      if (!url.endsWith('/sample~dev.json')) return 'unreachable';
      await inspect(createRequest(url), { bytes: metadataOf({ url: distUrl, shasum: sha1(honest) }) }, context);
      return 'approved';
    };
    expect(await opinionOn(honest, { ...context, consult })).toBe('Approved: valid Composer package');
    expect(asked).toEqual(['sample', 'sample~dev'].map((name) => `https://registry.example/repo/p2/millrace/${name}.json`));
    const configuration = { composer: { 'metadata-urls': ['https://other.example/p2/%package%.json', 1] } };
    expect(await opinionOn(honest, { ...createContext(), configuration, consult })).toMatch(/^Unknown: /);
    expect(asked.at(-2)).toBe('https://other.example/p2/millrace/sample.json');
  });

  it('says Unknown, not Rejected, for what nobody declares and for what is no archive', async () => {
    expect(await opinionOn(honest)).toMatch(/^Unknown: .*declares it for millrace\/sample/);
    expect(await opinionOn(buildDist('', { manifest: null }))).toMatch(/^Unknown: .*no composer\.json/);
    expect(await opinionOn(Buffer.from('{"a":1}'))).toMatch(/^Unknown: .*neither a zip nor a gzip tar/);
  });

  it('reads gzip tars as well', async () => {
    const tar = buildTgz([{ name: 'x/composer.json', content: JSON.stringify(sampleManifest) }]);
    const context = createContext();
    await learn(context, { shasum: sha1(tar) });
    expect(await opinionOn(tar, context)).toBe('Approved: valid Composer package');
  });

  const inside = (name: string): Buffer => buildDist('', { files: [{ name, content: 'x' }] });
  it.each([
    ['cut off', honest.subarray(0, 200), 'not a sound zip'],
    ['with a name that leads outside', inside('a/../../evil'), 'leaves the archive'],
    ['with an absolute name', inside('/etc/passwd'), 'absolute path'],
    ['with a file twice', inside('millrace-sample-1234/src/sample.php'), 'twice'],
    ['with a link', buildDist('', { files: [{ name: 'l', content: '/etc', mode: 0o120777 }] }), 'neither a file nor a directory'],
    ['with a manifest that is no object', buildDist('', { manifest: [] }), 'not a JSON object'],
    ['with a manifest of another kind of name', buildDist('', { manifest: { name: '../x' } }), 'no valid name'],
    ['that says that it unpacks to far more', buildDist('', { files: [{ name: 'bomb', content: Buffer.alloc(90 * 1024 * 1024) }] }), 'times its size'],
  ])('rejects an archive %s', async (_case, bytes, reason) => {
    const context = createContext();
    await learn(context, { shasum: sha1(bytes) });
    expect(await opinionOn(bytes, context)).toMatch(/^Rejected: /);
    expect(await opinionOn(bytes, context)).toContain(reason);
  });

  it('never approves a declared archive with bytes changed, and never fails otherwise than by an opinion', async () => {
    const context = createContext();
    await learn(context, { shasum: sha1(honest) });
    const metadata = metadataOf({ url: distUrl, shasum: sha1(honest) });
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(honest);
        changed[at % honest.length] = (changed[at % honest.length] as number) ^ change;
        expect(await opinionOn(changed, context)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
        const document = Buffer.from(metadata);
        document[at % metadata.length] = change;
        expect(await repositoryOpinion('p2/millrace/sample.json', document)).toMatch(/^(?:Rejected|Approved): (?!the inspection failed)/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('composer.api', () => {
  it.each([
    ['{"status":"success"}', 'Approved: answer to a notification'],
    ['', 'Approved: answer to a notification'],
    ['{"advisories":{"a/b":[]}}', 'Approved: valid security advisories'],
    ['[]', 'Rejected: the answer to Composer is not a JSON object'],
    ['<html>', 'Rejected: '],
    [`{"x":"${'x'.repeat(70_000)}"}`, 'Rejected: the answer to a notification is larger'],
  ])('judges %.30s', async (text, expected) => {
    const request = createRequest('https://registry.example/downloads/', composer, 'POST');
    const { inspections } = await inspect(request, { bytes: Buffer.from(text) }, createContext());
    expect(`${inspections['composer.api']?.opinion}: ${inspections['composer.api']?.reason}`).toContain(expected);
  });
});
