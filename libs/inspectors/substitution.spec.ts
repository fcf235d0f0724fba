import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { buildTgz } from './__fixtures__/build-tar.js';
import { buildZip, type ZipFileToBuild } from './__fixtures__/build-zip.js';
import { buildDist, metadataOf, sampleManifest, sha1 } from './composer/__fixtures__/sample-dist.js';
import { createContext, createRequest, inspect } from './__fixtures__/exchange.js';

const digest = (content: string | Buffer, algorithm: string, encoding: 'base64' | 'base64url'): string => createHash(algorithm).update(content).digest(encoding);

/** Whatever a file calls itself, and whatever else its URL looks like, what was declared of the URL holds. */
describe('a hostile file host', () => {
  it('cannot pass a wheel without a digest as a page of another ecosystem', async () => {
    const page = '<html><head><meta name="go-import" content="files.example/m-1.0-py3-none-any.whl git https://files.example/x"></head>';
    const files: ZipFileToBuild[] = [
      { name: 'page.html', level: 0, content: page },
      { name: 'm-1.0.dist-info/METADATA', content: 'Metadata-Version: 2.1\nName: m\nVersion: 1.0\n' },
      { name: 'm-1.0.dist-info/WHEEL', content: 'Wheel-Version: 1.0\n' },
    ];
    const lines = files.map(({ name, content = '' }) => `${name},sha256=${digest(content, 'sha256', 'base64url')},${content.length}`);
    const bytes = buildZip([...files, { name: 'm-1.0.dist-info/RECORD', content: [...lines, 'm-1.0.dist-info/RECORD,,', ''].join('\n') }]);
    const result = await inspect(createRequest('https://files.example/m-1.0-py3-none-any.whl?go-get=1'), { bytes }, createContext());
    expect(result).toMatchObject({ verdict: 'Rejected', inspections: { 'pip.wheel': { opinion: 'Unknown' }, 'go.module.import': { opinion: 'Rejected' } } });
  });

  it('cannot choose by the name in a tarball which package document counts', async () => {
    const context = createContext();
    const url = 'https://files.example/good/-/good-1.0.0.tgz';
    const tarball = (name: string): Buffer => buildTgz([{ name: 'package/package.json', content: JSON.stringify({ name, version: '1.0.0' }) }]);
    for (const name of ['good', 'evil']) {
      const dist = { tarball: url, integrity: `sha512-${digest(tarball(name), 'sha512', 'base64')}` };
      const bytes = Buffer.from(JSON.stringify({ name, versions: { '1.0.0': { name, version: '1.0.0', dist } } }));
      expect((await inspect(createRequest(`https://${name}.example/${name}`, { 'user-agent': 'npm/11.0.0 node/v24' }), { bytes }, context)).verdict).toBe('Approved');
    }
    expect((await inspect(createRequest(url), { bytes: tarball('good') }, context)).verdict).toBe('Approved');
    expect(await inspect(createRequest(url), { bytes: tarball('evil') }, context)).toMatchObject({
      verdict: 'Rejected',
      inspections: { 'npm.tarball': { reason: 'the tarball holds evil, but its URL is one that the package document of good declares' } },
    });
  });

  it('cannot put one Composer package where the checksum of another is declared', async () => {
    const context = createContext();
    const composer = { 'user-agent': 'Composer/2.5.5 (Linux; 6.1; PHP 8.2.35; streams)' };
    const url = 'https://files.example/zips/1234';
    const [good, evil] = [buildDist(), buildDist('<?php // two\n', { manifest: { ...sampleManifest, name: 'evil/other' } })];
    const other = { packages: { 'evil/other': [{ name: 'evil/other', version: '1.0.0', dist: { type: 'zip', url: 'https://evil.example/x.zip', shasum: sha1(evil) } }] } };
    await inspect(createRequest('https://registry.example/p2/millrace/sample.json', composer), { bytes: metadataOf({ type: 'zip', url, shasum: sha1(good) }) }, context);
    await inspect(createRequest('https://registry.example/p2/evil/other.json', composer), { bytes: Buffer.from(JSON.stringify(other)) }, context);
    expect((await inspect(createRequest(url, composer), { bytes: good }, context)).verdict).toBe('Approved');
    expect((await inspect(createRequest(url, composer), { bytes: evil }, context)).verdict).toBe('Rejected');
    expect((await inspect(createRequest('https://mirror.example/x.zip', composer), { bytes: evil }, context)).verdict).toBe('Approved');
  });
});
