import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFilelists } from '../rpm/metadata/filelists-and-other.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import { unhurried } from './__fixtures__/scratch-source.js';
import { findOwners } from './file-owners.js';
import { packagesListing } from './packages-listing.js';

const escaped = (text: string): string => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
const element = (index: number, files: readonly string[]): string =>
  `<package pkgid="${index.toString(16).padStart(32, '0')}" name="p" arch="noarch">\n<version epoch="0" ver="1" rel="1"/>${files.map((file, each) => `<file${each % 2 === 0 ? ' type="dir"' : ''}>${escaped(file)}</file>\n`).join('')}</package>\n`;
const documentOf = (packages: readonly (readonly string[])[]): Buffer => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<filelists packages="${packages.length}">${packages.map((files, index) => element(index, files)).join('')}</filelists>`);

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const packagesOf = (count: number): AvailablePackage[] => Array.from({ length: count }, (_, index) => ({ checksum: { algorithm: 'md5', hex: index.toString(16).padStart(32, '0') } }) as AvailablePackage);

describe('owners of paths', () => {
  it('are those that reading every package finds, however the bytes arrive', async () => {
    const path = fc.constantFrom('/usr/bin/a', '/usr/bin/aa', '/usr/bin', '/a&b', '/a<b', '/a>b', '/ä', '/file', '/usr/lib/a b', '/a&amp;b');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(path, { maxLength: 5 }), { maxLength: 8 }), fc.array(path, { maxLength: 4 }), fc.integer({ min: 1, max: 300 }), async (lists, wanted, size) => {
        const packages = packagesOf(lists.length);
        const owners = await findOwners(cut(documentOf(lists), size), packages, new Set(wanted), unhurried);
        const expected = new Map([...new Set(wanted)].map((each) => [each, packages.filter((_, index) => lists[index]?.includes(each) === true)] as const).filter(([, found]) => found.length > 0));
        expect(owners).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are found without parsing the packages that nobody looks for', async () => {
    const kept: Buffer[] = [];
    for await (const each of packagesListing(cut(documentOf(Array.from({ length: 100 }, (_, index) => [`/usr/share/${index}`])), 1000), new Set(['/usr/share/7']))) kept.push(each);
    const reduced = Buffer.concat(kept);
    expect(reduced.toString().match(/<package /g)).toHaveLength(1);
    const read = [];
    for await (const each of readFilelists(cut(reduced, 100))) read.push(each.files.map((file) => file.path));
    expect(read).toEqual([['/usr/share/7']]);
  });

  it('are all packages with the same checksum', async () => {
    const twice = [...packagesOf(1), ...packagesOf(1)];
    expect((await findOwners(cut(documentOf([['/a', '/a']]), 50), twice, new Set(['/a']), unhurried)).get('/a')).toEqual(twice);
  });
});
