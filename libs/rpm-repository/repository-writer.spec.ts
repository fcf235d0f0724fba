import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { asStorageError } from '../errors/system-error.js';
import { buildPackage, sha256, type Tags } from '../rpm/__fixtures__/build-package.js';
import { samplePackage } from '../rpm/__fixtures__/sample-package.js';
import { tag } from '../rpm/package/tags.js';
import { writeAll } from './cache-files.js';
import { createRepositoryWriter, type CachingRepositoryWriter } from './create-repository-writer.js';
import type { RepositoryPackage, WriteOptions } from './repository-writer.js';
import { splitIntoChunks } from './split-into-chunks.js';
import { readRepository } from './__fixtures__/read-repository.js';

let root = '';
const writers: CachingRepositoryWriter[] = [];

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-writer-'));
  mkdirSync(path.join(root, 'content'));
});
afterEach(() => {
  for (const writer of writers.splice(0)) writer.close();
  rmSync(root, { recursive: true, force: true });
});

const content = { file: (digest: string): string => path.join(root, 'content', digest) };

function openWriter(cache = 'cache'): CachingRepositoryWriter {
  const writer = createRepositoryWriter({ content, cacheDirectory: path.join(root, cache) });
  writers.push(writer);
  return writer;
}

function add(bytes: Buffer): string {
  writeFileSync(content.file(sha256(bytes)), bytes);
  return sha256(bytes);
}

function addPackages(count: number, release = '1'): RepositoryPackage[] {
  return Array.from({ length: count }, (_, index) => addPackage(index, release));
}

function addPackage(index: number, release = '1', tags: Tags = []): RepositoryPackage {
  const name = `p${String(index).padStart(5, '0')}`;
  return { sha256: add(buildPackage({ tags: [[tag.name, name], [tag.release, release], [tag.summary, `Number ${index}`], ...tags] })), href: `Packages/p/${name}.rpm`, fileTime: 1_700_000_000 + index };
}

let outputs = 0;
async function write(writer: CachingRepositoryWriter, packages: readonly RepositoryPackage[], options: Partial<WriteOptions> = {}): Promise<Readonly<Record<string, string>>> {
  outputs += 1;
  const directory = path.join(root, `output-${outputs}`);
  const written = await writer.write(directory, { packages, revision: 7, compression: 'gzip', ...options });
  const names = readdirSync(path.join(directory, 'repodata'));
  expect(names.map((name) => `repodata/${name}`).sort()).toEqual([...written.files].sort());
  expect(written.repomdSha256).toBe(sha256(readFileSync(path.join(directory, 'repodata/repomd.xml'))));
  expect((await readRepository(directory)).primary).toHaveLength(packages.length);
  return Object.fromEntries(names.sort().map((name) => [name, sha256(readFileSync(path.join(directory, 'repodata', name)))]));
}

function cacheFiles(kind: 'chunks' | 'packages', cache = 'cache'): string[] {
  const directory = path.join(root, cache, kind);
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name)).sort();
}

describe('the description of a package', () => {
  it('is what its headers say', async () => {
    const bytes = samplePackage();
    expect(await openWriter().describe(add(bytes))).toEqual({
      name: 'millrace-sample',
      epoch: 1,
      version: '1.0~rc1',
      release: '2',
      arch: 'noarch',
      size: bytes.length,
      sourceRpm: 'millrace-sample-1.0~rc1-2.src.rpm',
      buildTime: 1704067200,
      keyIds: [],
      excludeArch: [],
      exclusiveArch: [],
    });
  });

  it('is kept by digest, in this process and for others', async () => {
    const digest = add(samplePackage());
    const [writer, parallel] = [openWriter(), openWriter()];
    const described = await writer.describe(digest);
    writer.close();
    rmSync(content.file(digest));
    expect(await parallel.describe(digest)).toEqual(described);
    expect(await openWriter().describe(digest)).toEqual(described);
  });

  it('costs no reading of the payload', async () => {
    const digest = add(samplePackage());
    truncateSync(content.file(digest), 2 ** 40);
    expect(await openWriter().describe(digest)).toMatchObject({ name: 'millrace-sample', size: 2 ** 40 });
  });

  const sample = samplePackage();
  it.each([
    ['no package', Buffer.from('<html>'), 'truncated'],
    ['another kind of file', Buffer.alloc(1000, 'x'), 'not an RPM package'],
    ['a truncated header', sample.subarray(0, 5000), 'truncated'],
    ['an absurd number of entries', Buffer.concat([sample.subarray(0, 104), Buffer.from([0x7f, 0xff, 0xff, 0xff]), sample.subarray(108)]), 'entries, more than'],
    ['an absurd size', Buffer.concat([sample.subarray(0, 108), Buffer.from([0x03, 0xff, 0xff, 0xff]), sample.subarray(112)]), 'truncated'],
    ['a name with slashes', buildPackage({ tags: [[tag.name, '../x']] }), 'no valid name'],
  ])('of %s is refused', async (_what, bytes, reason) => {
    const digest = add(bytes);
    await expect(openWriter().describe(digest)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(reason) });
    await expect(openWriter().describe(digest)).rejects.toThrow(digest);
  });

  it('of what is not in the content store is an error of its own', async () => {
    await expect(openWriter().describe('0'.repeat(64))).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(openWriter().describe('../../etc/passwd')).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('a written repository', () => {
  it('has the same bytes for equal input, whatever is in the caches, and whoever else writes', async () => {
    const packages = addPackages(300);
    const [one, two] = [openWriter(), openWriter()];
    const all = await Promise.all([write(one, packages), write(two, packages), write(one, packages), write(openWriter('another'), packages)]);
    for (const each of [...all, await write(one, packages)]) expect(each).toEqual(all[0]);
  });

  it('without packages is one all the same', async () => {
    expect(Object.keys(await write(openWriter(), []))).toHaveLength(4);
  });

  it('has comps and modules in it', async () => {
    const [groups, modules] = [Buffer.from('<comps/>\n'), Buffer.from('---\ndocument: modulemd\n...\n')];
    const names = Object.keys(await write(openWriter(), addPackages(1), { groups, modules, compression: 'zstd' }));
    expect(names.map((name) => name.replace(/^[0-9a-f]{64}-/, '')).sort()).toEqual(['comps.xml', 'comps.xml.gz', 'filelists.xml.zst', 'modules.yaml.zst', 'other.xml.zst', 'primary.xml.zst', 'repomd.xml']);
  });

  it.each(['one changed', 'one more', 'one less'])('costs one chunk when there is %s', async (what) => {
    const packages = addPackages(500);
    const writer = openWriter();
    await write(writer, packages);
    const before = cacheFiles('chunks');
    expect(before.length).toBeGreaterThan(3);
    const middle = packages[250] as RepositoryPackage;
    const replaced = { 'one changed': [addPackage(250, '2')], 'one more': [middle, addPackage(99_999)], 'one less': [] }[what] as RepositoryPackage[];
    await write(writer, packages.toSpliced(250, 1, ...replaced));
    const made = cacheFiles('chunks').filter((file) => !before.includes(file));
    // A package that begins or ended a chunk takes its neighbour with it.
    expect(made.length).toBeGreaterThanOrEqual(1);
    expect(made.length).toBeLessThanOrEqual(2);
  });

  it('reads no package twice', async () => {
    const packages = addPackages(100);
    await write(openWriter(), packages);
    for (const { sha256: digest } of packages) rmSync(content.file(digest));
    const moved = packages.map((each) => ({ ...each, href: `elsewhere/${each.href}`, fileTime: 5 }));
    writers.splice(0).forEach((writer) => writer.close());
    await write(openWriter(), moved);
  });

  it.each([
    ['cut off', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['changed in its first bytes', (file: string) => change(file, 9)],
    ['changed in the middle', (file: string) => change(file, Math.floor(statSync(file).size / 2))],
    ['changed in its last byte', (file: string) => change(file, statSync(file).size - 1)],
    ['longer', (file: string) => writeFileSync(file, 'x', { flag: 'a' })],
  ])('is the same when every file of the caches is %s', async (_what, damage) => {
    const packages = addPackages(100);
    const sound = await write(openWriter(), packages);
    for (const file of [...cacheFiles('chunks'), ...cacheFiles('packages')]) damage(file);
    expect(await write(openWriter(), packages)).toEqual(sound);
    for (const file of cacheFiles('packages')) damage(file);
    rmSync(path.join(root, 'cache/chunks'), { recursive: true });
    expect(await write(openWriter(), packages)).toEqual(sound);
  });

  it('has packs of packages made into one, and then no fewer packages in them', async () => {
    const writer = openWriter();
    const packages = addPackages(40);
    for (const each of packages) {
      await write(writer, [each]);
      rmSync(content.file(each.sha256));
    }
    expect(cacheFiles('packages').length).toBeLessThan(35);
    rmSync(path.join(root, 'cache/chunks'), { recursive: true });
    await write(openWriter(), packages);
  });

  it('stops when it is told to', async () => {
    const abort = new AbortController();
    const packages = addPackages(500);
    const seen: number[] = [];
    const onProgress = (done: number): void => {
      seen.push(done);
      abort.abort(new Error('enough'));
    };
    await expect(openWriter().write(path.join(root, 'stopped'), { packages, revision: 7, compression: 'gzip', signal: abort.signal, onProgress })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
    expect(readdirSync(path.join(root, 'stopped/repodata'))).toEqual([]);
  });

  it('leaves nothing behind when a package cannot be used', async () => {
    const packages = [...addPackages(30), { sha256: add(Buffer.alloc(500)), href: 'Packages/x.rpm', fileTime: 1 }];
    await expect(openWriter().write(path.join(root, 'broken'), { packages, revision: 7, compression: 'gzip' })).rejects.toMatchObject({ code: 'source-invalid' });
    expect(readdirSync(path.join(root, 'broken/repodata'))).toEqual([]);
  });

  it('tells its progress', async () => {
    const seen: string[] = [];
    await write(openWriter(), addPackages(300), { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen.at(-1)).toBe('300/300');
  });
});

function change(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 0xff;
  writeFileSync(file, bytes);
}

describe('chunks', () => {
  it('hold all packages in their order, few or many, and know what they are made of', () => {
    const packages = Array.from({ length: 2000 }, (_, index) => ({ sha256: sha256(Buffer.from(String(index))), href: `p${index}`, fileTime: index }));
    const chunks = splitIntoChunks({ packages, compression: 'gzip' });
    expect(chunks.flatMap((chunk) => chunk.packages)).toEqual(packages);
    for (const chunk of chunks) expect(chunk.packages.length).toBeLessThanOrEqual(256);
    expect(new Set([...chunks, ...splitIntoChunks({ packages, compression: 'zstd' })].map(({ key }) => key)).size).toBe(2 * chunks.length);
    const same = packages.map((each) => ({ ...each, sha256: '0'.repeat(64) }));
    for (const chunk of splitIntoChunks({ packages: same, compression: 'gzip' })) expect(chunk.packages.length).toBeLessThanOrEqual(256);
  });
});

describe('the sweep', () => {
  it('keeps what was used last, within the bound', async () => {
    const [older, newer] = [addPackages(100), addPackages(100, '2')];
    const first = openWriter();
    await write(first, older);
    for (const file of [...cacheFiles('chunks'), ...cacheFiles('packages')]) utimesSync(file, new Date(0), new Date(0));
    const before = cacheFiles('chunks');
    const second = openWriter();
    const sound = await write(second, newer);
    const bytes = [...cacheFiles('chunks'), ...cacheFiles('packages')].filter((file) => statSync(file).mtimeMs > 0).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(await second.sweep(bytes)).toBe(before.length + 1);
    expect(cacheFiles('chunks').filter((file) => before.includes(file))).toEqual([]);
    expect(await write(second, newer)).toEqual(sound);
    expect(await second.sweep(0)).toBeGreaterThan(0);
    expect(cacheFiles('chunks')).toEqual([]);
    expect(await write(second, newer)).toEqual(sound);
    await write(first, older);
  });

  it('removes what a dead process left unfinished, and not what a live one writes', async () => {
    const writer = openWriter();
    await write(writer, addPackages(1));
    const directory = path.join(root, 'cache/packages');
    for (const name of ['.unfinished-old', '.unfinished-new']) writeFileSync(path.join(directory, name), 'x');
    utimesSync(path.join(directory, '.unfinished-old'), new Date(0), new Date(0));
    expect(await writer.sweep(2 ** 40)).toBe(1);
    expect(readdirSync(directory)).toContain('.unfinished-new');
  });

  it('of a cache that is not there is none', async () => {
    expect(await openWriter('nowhere').sweep(0)).toBe(0);
  });
});

describe('a full file system', () => {
  it('is told as such', () => {
    const full = openSync('/dev/full', 'w');
    const failure = ((): unknown => {
      try {
        return writeAll(full, [Buffer.from('x')]);
      } catch (error) {
        return asStorageError(error, 'a full disk');
      } finally {
        closeSync(full);
      }
    })();
    expect(failure).toMatchObject({ code: 'storage-full' });
  });
});

describe('a cache that is copied', () => {
  it('serves where it is', async () => {
    const packages = addPackages(50);
    const sound = await write(openWriter(), packages);
    cpSync(path.join(root, 'cache'), path.join(root, 'copy'), { recursive: true });
    for (const each of packages) rmSync(content.file(each.sha256));
    expect(await write(openWriter('copy'), packages)).toEqual(sound);
  });
});
