import { readdirSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { serveFiles, type FileServer } from './__fixtures__/file-server.js';
import { scratchSource, unhurried, type ScratchOverrides, type ScratchSource } from './__fixtures__/scratch-source.js';
import { manyPackages, samplePrimary, sha256Of, writeRepository, type WrittenFile } from './__fixtures__/written-repository.js';
import type { LoadedRepository } from './repository-source.js';

let scratch: ScratchSource;

beforeEach(async () => {
  scratch = await scratchSource();
});
afterEach(async () => scratch[Symbol.asyncDispose]());

const primary = samplePrimary();

/** Loads a repository of these files, and does with it what is asked for. */
async function load<T = LoadedRepository>(files: readonly WrittenFile[], { limits, use }: Pick<ScratchOverrides, 'limits'> & { readonly use?: (loaded: LoadedRepository) => Promise<T> } = {}): Promise<T | LoadedRepository> {
  using written = writeRepository(files);
  const source = scratch.again({ settings: { composeSourcePaths: [written.directory] }, ...(limits === undefined ? {} : { limits }) });
  const pinned = await source.pin(written.directory, unhurried);
  const loaded = await source.load({ url: written.directory, ...pinned }, { ...unhurried, index: 0 });
  return use === undefined ? loaded : await use(loaded);
}

const invalid = (words: string) => expect.objectContaining({ code: 'source-invalid', message: expect.stringContaining(words) });
const kept = (): string[] => readdirSync(path.join(scratch.directory, 'metadata/parsed'));

describe('hostile primary metadata', () => {
  it.each<[string, Partial<WrittenFile>, string]>([
    ['is no XML', { text: 'hello' }, 'not well-formed'],
    ['is another document', { text: '<filelists/>' }, 'not <metadata>'],
    ['is empty', { text: '' }, 'not well-formed'],
    ['is truncated XML', { text: primary.slice(0, -30) }, 'not well-formed'],
    ['is a truncated archive', { text: primary, packed: gzipSync(primary).subarray(0, -20) }, 'truncated'],
    ['is a truncated zstd archive', { text: primary, packed: zstdCompressSync(primary).subarray(0, -20) }, 'truncated'],
    ['declares entities', { text: `<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>${primary.replace(/<\?.*?\?>/, '')}` }, 'document type declaration'],
    ['reads other files', { text: `<!DOCTYPE m SYSTEM "file:///etc/passwd">${primary.replace(/<\?.*?\?>/, '')}` }, 'document type declaration'],
    ['is nested without end', { text: `<metadata>${'<a>'.repeat(100_000)}` }, 'nested deeper'],
    ['does not unpack to what is declared', { text: primary, openSha256: '0'.repeat(64) }, 'open-checksum'],
    ['announces more packages than it has', { text: primary.replace('packages="1"', 'packages="2"') }, 'announces 2 packages'],
    ['has no UTF-8', { text: Buffer.from(primary.replace('millrace-sample', 'mill\u00ffrace'), 'latin1') }, 'not valid UTF-8'],
    ['has a package with a slash in its name', { text: primary.replace('<name>millrace-sample<', '<name>../../evil<') }, 'that no package can have'],
    ['has a package with a line feed in its release', { text: primary.replace('rel="2"', 'rel="2&#10;x"') }, 'that no package can have'],
    ['has a package without a checksum', { text: primary.replace(/<checksum.*?<\/checksum>/, '') }, 'checksum'],
    ['has a package with a checksum of an unknown kind', { text: primary.replace('checksum type="sha256"', 'checksum type="crc32"') }, 'unknown type'],
    ['has a package outside of the repository', { text: primary.replace(/href="[^"]*"/, 'href="../../../etc/passwd"') }, 'leads out'],
    ['has a package at an absolute path', { text: primary.replace(/href="[^"]*"/, 'href="/etc/passwd"') }, 'not relative'],
    ['has a package at another scheme', { text: primary.replace(/href="[^"]*"/, 'xml:base="ldap://x.test/" href="a.rpm"') }, 'not over ldap'],
    ['is outside of the repository itself', { text: primary, href: '../primary.xml.gz' }, 'leads out'],
    ['is elsewhere by its base', { text: primary, base: 'gopher://x.test/' }, 'not over gopher'],
  ])('that %s are refused, and nothing is kept of them', async (_what, file, words) => {
    await expect(load([{ type: 'primary', text: primary, ...file }])).rejects.toEqual(invalid(words));
    expect(kept()).toEqual([]);
  });

  it('may not unpack to more than is accepted, nor to more than is declared to be there', async () => {
    const bomb = `<metadata packages="0">${' '.repeat(3_000_000)}</metadata>`;
    await expect(load([{ type: 'primary', text: bomb }], { limits: { primaryBytes: 1_000_000 } })).rejects.toEqual(invalid('unpacks to more than'));
    await expect(load([{ type: 'primary', text: bomb, pack: 'zstd' }], { limits: { ratio: 100, ratioFrom: 100_000 } })).rejects.toEqual(invalid('times its size'));
    expect(await load([{ type: 'primary', text: bomb }])).toMatchObject({ packages: [] });
  });

  it('may not have more packages, dependencies and bytes than are accepted', async () => {
    const many = [{ type: 'primary', text: manyPackages(primary, 30) }];
    await expect(load(many, { limits: { packages: 29 } })).rejects.toEqual(invalid('more than 29 packages'));
    await expect(load(many, { limits: { entries: 29 } })).rejects.toEqual(invalid('dependencies and files'));
    await expect(load(many, { limits: { metadataBytes: 100 } })).rejects.toEqual(invalid('100 are the most that is accepted'));
    expect(await load(many, { limits: { packages: 30 } })).toMatchObject({ packages: { length: 30 } });
  });

  it('stop when nobody wants them any more', async () => {
    using written = writeRepository([{ type: 'primary', text: manyPackages(primary, 400) }]);
    const source = scratch.again({ settings: { composeSourcePaths: [written.directory] } });
    const stop = new AbortController();
    let progress = 0;
    const loading = source.load({ url: written.directory, repomdSha256: written.repomdSha256 }, { index: 0, signal: stop.signal, onProgress: () => void (++progress === 4 && stop.abort(new Error('cancelled'))) });
    await expect(loading).rejects.toThrow('cancelled');
    expect(kept()).toEqual([]);
  });
});

describe('hostile repomd.xml', () => {
  const data = (type: string): string => `<data type="${type}"><checksum type="sha256">${'0'.repeat(64)}</checksum><location href="repodata/x.xml"/></data>`;
  const repomd = (inner: string): string => `<repomd><revision>1</revision>${inner}</repomd>`;

  it.each<[string, string, string]>([
    ['is no XML', 'hello', 'not well-formed'],
    ['is a page', '<html><body>Sign in</body></html>', 'not <repomd>'],
    ['has no primary metadata', repomd(data('other')), 'no primary'],
    ['has two primary metadata', repomd(data('primary').repeat(2)), 'two files of the type primary'],
    ['has more entries than any', repomd(Array.from({ length: 1001 }, (_, index) => data(`t${index}`)).join('')), 'elements below its root'],
    ['is larger than any', repomd(' '.repeat(4 * 1024 * 1024)), 'more than 4194304 bytes'],
    ['declares entities', `<!DOCTYPE r [<!ENTITY a "a">]>${repomd(data('primary'))}`, 'document type declaration'],
  ])('that %s is refused when it is pinned', async (_what, text, words) => {
    await using server = await serveText(text);
    await expect(scratch.source.pin(server.url, unhurried)).rejects.toEqual(invalid(words));
  });

  it('may declare SQLite, zchunk and unknown files, which nobody asks for', async () => {
    const others = ['primary_db', 'filelists_db', 'primary_zck', 'prestodelta', 'x'].map((type) => ({ type, text: 'x', sha256: '0'.repeat(64) }));
    expect(await load([{ type: 'primary', text: primary }, ...others])).toMatchObject({ packages: { length: 1 }, repomd: { files: { length: 6 } } });
  });
});

describe('hostile documents beside the packages', () => {
  const beside = (type: string, file: Partial<WrittenFile> = {}): WrittenFile[] => [{ type: 'primary', text: primary }, { type, text: 'x'.repeat(5000), ...file }];

  it.each(['group', 'group_gz', 'modules'])('of the type %s are checked and bounded', async (type) => {
    const use = async (loaded: LoadedRepository): Promise<string | undefined> => (type === 'modules' ? await loaded.modules() : await loaded.groups())?.toString();
    expect(await load(beside(type), { use })).toBe('x'.repeat(5000));
    await expect(load(beside(type), { use, limits: { unpackedDocumentBytes: 4999 } })).rejects.toEqual(invalid('more than 4999 bytes'));
    await expect(load(beside(type, { openSha256: sha256Of(Buffer.from('y')) }), { use })).rejects.toEqual(invalid('open-checksum'));
    await expect(load(beside(type, { sha256: sha256Of(Buffer.from('y')) }), { use })).rejects.toMatchObject({ code: 'source-changed' });
    await expect(load(beside(type, { href: '../../x' }), { use })).rejects.toEqual(invalid('leads out'));
  });

  it.each<[string, string, string]>([
    ['no XML', 'x', 'not well-formed'],
    ['another document', '<otherdata/>', 'not <filelists>'],
    ['entities', '<!DOCTYPE f [<!ENTITY a "a">]><filelists/>', 'document type declaration'],
  ])('file lists with %s are refused', async (_what, text, words) => {
    await expect(load(beside('filelists', { text }), { use: (loaded) => loaded.findFileOwners(new Set(['/x'])) })).rejects.toEqual(invalid(words));
  });

  it('file lists of packages that the repository does not have own nothing', async () => {
    const text = `<filelists packages="1"><package pkgid="${'a'.repeat(64)}" name="x" arch="y"><version epoch="0" ver="1" rel="1"/><file>/x</file></package></filelists>`;
    expect(await load(beside('filelists', { text }), { use: (loaded) => loaded.findFileOwners(new Set(['/x'])) })).toEqual(new Map());
  });
});

/** Answers every request with a text. */
async function serveText(text: string): Promise<FileServer> {
  const server = await serveFiles('/nonexistent');
  server.handle = (_request, response) => response.end(text);
  return server;
}
