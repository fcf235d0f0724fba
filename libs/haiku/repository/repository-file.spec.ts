import { inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { bufferSource } from '../byte-source.js';
import { describePackage } from '../__fixtures__/describe-package.js';
import { sample } from '../__fixtures__/samples.js';
import { canonicalFileName } from '../package/package-info.js';
import { packageEntry, readPackageEntry, readRepositoryFile, writeRepositoryFile } from './repository-file.js';

const real = () => readRepositoryFile(bufferSource(sample('repo')));

describe('a repository file', () => {
  it('of the real tools is read as they list it', async () => {
    const { info, packages } = await real();
    expect(info).toEqual({
      name: 'HaikuPorts',
      identifier: expect.stringMatching(/^tag:.*,2013:repositories\/haikuports\/master\/x86_64$/),
      baseUrl: expect.stringMatching(/\/haikuports\/master\/x86_64\/current$/),
      vendor: 'Haiku Project',
      summary: 'The HaikuPorts repository',
      priority: 1,
      architecture: 'x86_64',
      licenses: [],
    });
    const listing = sample('repo.listing.txt').toString('utf8');
    expect(packages.map(({ info: each, checksum }) => describePackage(each, checksum)).join('')).toBe(listing.slice(listing.indexOf('package-attributes:')));
    expect(packages.map(({ info: each }) => `${canonicalFileName(each)}\n`).join('')).toBe(sample('package.list').toString('utf8'));
  });

  it('is written as the real tools write it, but for memory that they leave as it was, and a name that theirs leave empty', async () => {
    const repository = await real();
    const written = await writeRepositoryFile(repository.info, repository.packages.map(packageEntry));
    expect(await readRepositoryFile(bufferSource(written))).toEqual(repository);
    expect(repository.packages.map((item) => readPackageEntry(packageEntry(item)))).toEqual(repository.packages);
    const [ours, theirs] = [heapOf(written), heapOf(sample('repo'))];
    // The packages, byte by byte: the order of equally frequent strings is theirs by chance.
    expect(ours.packages.length).toBe(theirs.packages.length);
    expect(sortedStrings(ours)).toEqual(sortedStrings(theirs));
    const names = (info: Buffer): Buffer => Buffer.from(info.subarray(48, 68));
    expect(names(ours.info)).toEqual(names(theirs.info));
  });
});

function heapOf(file: Buffer): { readonly info: Buffer; readonly packages: Buffer; readonly strings: Buffer } {
  const heap = inflateSync(file.subarray(72));
  const length = file.readUInt32BE(40);
  return { info: heap.subarray(0, length), packages: heap.subarray(length), strings: heap.subarray(length, length + Number(file.readBigUInt64BE(56))) };
}

function sortedStrings({ strings }: { readonly strings: Buffer }): string[] {
  return strings.toString('utf8').split('\0').sort();
}
