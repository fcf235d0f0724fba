import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { serveFiles } from './__fixtures__/file-server.js';
import { addDocuments, comps, modules, sampleRepository } from './__fixtures__/sample-repository.js';
import { scratchSource, unhurried } from './__fixtures__/scratch-source.js';

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a repository of createrepo_c', () => {
  it.each([
    ['gzip', '--general-compress-type=gz', '--checksum=sha256'],
    ['xz', '--general-compress-type=xz', '--checksum=sha512'],
    ['bzip2', '--general-compress-type=bz2', '--checksum=sha224'],
    ['gzip and zchunk', '--zck', '--checksum=sha384'],
  ])('is pinned, loaded and fetched over HTTP when its metadata are packed with %s', async (_name, ...options) => {
    using repository = sampleRepository(...options);
    addDocuments(repository);
    await using server = await serveFiles(repository.directory);
    await using scratch = await scratchSource();
    const { source, content } = scratch;
    const pinned = await source.pin(`${server.url}/`, unhurried);
    expect(pinned).toEqual({ revision: '7', repomdSha256: sha256Of(readFileSync(path.join(repository.directory, 'repodata/repomd.xml'))) });
    const loaded = await source.load({ url: server.url, ...pinned }, { ...unhurried, index: 3 });
    expect(loaded.packages).toHaveLength(6);
    expect(loaded.packages[0]).toMatchObject({ name: 'millrace-sample', epoch: 1, version: '1.0~rc1', release: '2', arch: 'noarch', repository: 3, sourceRpm: 'millrace-sample-1.0~rc1-2.src.rpm' });
    expect(loaded.packages[0]?.dependencies.provides.map(({ name }) => name)).toContain('millrace-sample');
    expect((await loaded.groups())?.toString()).toBe(comps);
    expect((await loaded.modules())?.toString()).toBe(modules);
    for (const each of loaded.packages) {
      const bytes = readFileSync(path.join(repository.directory, each.location.slice(server.url.length + 1)));
      expect(await source.fetch(each, unhurried)).toEqual({ sha256: sha256Of(bytes), size: bytes.length });
      expect(readFileSync(content.file(sha256Of(bytes)))).toEqual(bytes);
    }
  });
});
