import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../errors/millrace-error.js';
import { createSigningKey, digestOf, releaseOf, signDetached, signInline, type ReleaseOptions, type SigningKey } from '../../inspectors/apt/__fixtures__/sample-repository.js';
import type { ExistingPackage, ExistingPlace, ReadExistingOptions } from '../../repository-import/existing-repository.js';
import { buildDeb } from './__fixtures__/build-deb.js';
import { indexJob, knowDeb, openSpecKeys, type SpecKeys } from './__fixtures__/deb-repository.js';
import { debFormat } from './deb-format.js';
import { readDebRepository } from './read-deb-repository.js';

type Files = Readonly<Record<string, Buffer | undefined>>;

let workDirectory: string;
let key: SigningKey;
let own: SpecKeys;

beforeAll(async () => {
  workDirectory = mkdtempSync(path.join(tmpdir(), 'millrace-read-deb-'));
  key = await createSigningKey();
  own = await openSpecKeys(mkdtempSync(path.join(workDirectory, 'home-')));
});
afterAll(() => rmSync(workDirectory, { recursive: true }));

/** A place that is a list of files, as a web server is one. */
function placeOf(files: Files, opened: string[] = []): ExistingPlace {
  return {
    name: 'https://apt.example/debian',
    document: (name, { limit }) => {
      const bytes = files[name];
      return bytes !== undefined && bytes.length > limit ? Promise.reject(new MillraceError('source-invalid', 'too large')) : Promise.resolve(bytes);
    },
    async *open(name) {
      opened.push(name);
      const bytes = await Promise.resolve(files[name]);
      if (bytes === undefined) throw new MillraceError('source-invalid', `${name} is not there`);
      for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
    },
  };
}

function optionsWith(given: Partial<ReadExistingOptions> = {}): ReadExistingOptions {
  const deb = { suite: 'stable', components: ['main'], architectures: ['amd64'] };
  return { keys: [key.publicKey], workDirectory: mkdtempSync(path.join(workDirectory, 'work-')), signal: new AbortController().signal, deb, ...given };
}

async function read(files: Files, given: Partial<ReadExistingOptions> = {}): Promise<readonly ExistingPackage[]> {
  const { packages } = await readDebRepository(placeOf(files), optionsWith(given));
  return gather(packages());
}

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

function paragraph(file: string, more = ''): string {
  return `Package: foo\nVersion: 1\nArchitecture: amd64\nFilename: ${file}\nSize: 3\nSHA256: ${'a'.repeat(64)}\n${more}\n`;
}

const name = 'main/binary-amd64/Packages';

/** A repository of one index. */
async function repository(index: string, { pack = gzipSync, ending = '.gz', ...options }: ReleaseOptions & { readonly pack?: (bytes: Buffer) => Buffer; readonly ending?: string } = {}): Promise<Record<string, Buffer>> {
  const packed = pack(Buffer.from(index));
  const release = releaseOf({ [name]: Buffer.from(index), [`${name}${ending}`]: packed }, options);
  return { 'dists/stable/InRelease': await signInline(release, key), [`dists/stable/${name}${ending}`]: packed };
}

describe('readDebRepository', () => {
  it('reads what our own indexes say, by hash, each package once', async () => {
    const known = await Promise.all(['one', 'two', 'three'].map((each, index) => knowDeb(buildDeb({ name: each, architecture: index === 2 ? 'all' : 'amd64' }))));
    const job = indexJob(known, { workDirectory: mkdtempSync(path.join(workDirectory, 'index-')), cacheDirectory: path.join(workDirectory, 'cache'), keys: own.keys });
    const { immutable, switched } = await debFormat.writeIndex(job);
    const files = Object.fromEntries([...immutable, ...switched].map(({ path: each, content }) => [each, Buffer.isBuffer(content) ? content : readFileSync(content.file)]));
    const opened: string[] = [];
    const options = optionsWith({ keys: [key.publicKey, own.publicKey], deb: { suite: 'rye', components: ['main'], architectures: ['amd64', 'arm64'] } });
    const existing = await readDebRepository(placeOf(files, opened), options);
    const expected = known.map(({ listed }) => ({ key: listed.key, path: listed.path, size: listed.size, checksum: { algorithm: 'sha256', value: listed.sha256 }, component: 'main' }));
    const byPath = (list: readonly { readonly path: string }[]): readonly object[] => [...list].sort((one, other) => (one.path < other.path ? -1 : 1));
    expect(byPath(await gather(existing.packages()))).toEqual(byPath(expected));
    expect(opened).toEqual(immutable.filter(({ path: each }) => each.includes('/main/')).map(({ path: each }) => each));
    expect(existing.indexSha256).toBe(digestOf(files['dists/rye/Release'] as Buffer));
    expect(existing.describes.deb).toMatchObject({ origin: 'Build Farm', suite: 'rye', codename: 'secale', components: ['main'], architectures: ['amd64', 'arm64'] });
    expect(readdirSync(options.workDirectory)).toEqual([]);
  });

  it.each([['.gz', gzipSync], ['.zst', zstdCompressSync], ['', (bytes: Buffer) => bytes]] as const)('reads an index with the ending "%s" by its name where it does not lie by its hash', async (ending, pack) => {
    expect(await read(await repository(paragraph('./pool/foo.deb'), { ending, pack }))).toEqual([{ key: 'foo_1_amd64.deb', path: 'pool/foo.deb', size: 3, checksum: { algorithm: 'sha256', value: 'a'.repeat(64) }, component: 'main' }]);
  });

  it('takes no component that the Release file does not have for one without packages', async () => {
    const deb = { suite: 'stable', components: ['main', 'contirb'], architectures: ['amd64'] };
    await expect(read(await repository(paragraph('pool/foo.deb')), { deb })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('no Packages of contirb for amd64') });
  });

  it('believes a signature beside the Release file, and passes over packages of the installer', async () => {
    const index = Buffer.from(`${paragraph('foo.udeb', 'Package-Type: udeb\n')}${paragraph('bar.deb').replace(/SHA256: .*/, `SHA512: ${'B'.repeat(128)}`)}`);
    const release = releaseOf({ [name]: index }, { algorithm: 'SHA512' });
    const files = { 'dists/stable/Release': Buffer.from(release), 'dists/stable/Release.gpg': await signDetached(release, key), [`dists/stable/${name}`]: index };
    expect(await read(files)).toEqual([{ key: 'foo_1_amd64.deb', path: 'bar.deb', size: 3, checksum: { algorithm: 'sha512', value: 'b'.repeat(128) }, component: 'main' }]);
    await expect(read({ ...files, 'dists/stable/Release.gpg': undefined })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('it has no signature') });
    expect(await read({ ...files, 'dists/stable/Release.gpg': undefined }, { keys: [] })).toHaveLength(1);
  });

  it('refuses a repository that another key has signed, or nobody, or of which a word was changed', async () => {
    const files = await repository(paragraph('foo.deb'));
    const stranger = await createSigningKey();
    await expect(read(files, { keys: [stranger.publicKey] })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('none of the given keys has signed it') });
    const changed = Buffer.from(files['dists/stable/InRelease']?.toString().replace('Label: Sample', 'Label: Simple') ?? '');
    await expect(read({ ...files, 'dists/stable/InRelease': changed })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('none of the given keys') });
    await expect(read({ ...files, 'dists/stable/InRelease': Buffer.from('<html>hello</html>') })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('dists/stable at https://apt.example/debian') });
    await expect(read({})).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('there is neither InRelease nor Release') });
  });

  it('refuses a release that is over, or of the future', async () => {
    const over = await repository(paragraph('foo.deb'), { validUntil: new Date(Date.now() - 60_000) });
    await expect(read(over)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is over') });
    const future = await repository(paragraph('foo.deb'), { date: new Date(Date.now() + 86_400_000) });
    await expect(read(future)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('in the future') });
  });

  it('tells an index that is another one by now from one that is no good', async () => {
    const files = await repository(paragraph('foo.deb'));
    const place = `dists/stable/${name}.gz`;
    const packed = files[place] as Buffer;
    for (const bytes of [packed.subarray(1), Buffer.concat([packed, Buffer.from('x')]), Buffer.from(packed.map((byte, index) => (index === 15 ? byte ^ 1 : byte)))])
      await expect(read({ ...files, [place]: bytes })).rejects.toMatchObject({ code: 'source-changed' });
    await expect(read({ ...files, [place]: undefined })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is not there') });
    const away = placeOf(files);
    const unavailable = { ...away, open: () => failing(new MillraceError('source-unavailable', 'no answer')) };
    const existing = await readDebRepository(unavailable, optionsWith());
    await expect(gather(existing.packages())).rejects.toMatchObject({ code: 'source-unavailable' });
  });

  it.each<[string, string, string]>([
    ['leads outside', paragraph('../../etc/passwd'), 'which no repository has'],
    ['has no file name', paragraph(''), 'which no repository has'],
    ['has a negative size', paragraph('foo.deb').replace('Size: 3', 'Size: -3'), 'no Size'],
    ['has MD5 alone', paragraph('foo.deb').replace(/SHA256/, 'MD5sum'), 'no SHA-256 or SHA-512'],
    ['has half a digest', paragraph('foo.deb').replace('aaaa', ''), 'no SHA-256 or SHA-512'],
    ['has a field twice', paragraph('foo.deb', 'Size: 4\n'), 'twice'],
    ['is a page', '<html>\n<body>', 'no field'],
    ['says two digests of one file', `${paragraph('foo.deb')}${paragraph('foo.deb').replaceAll('a'.repeat(64), 'b'.repeat(64))}`, 'two digests of foo.deb'],
  ])('refuses an index that %s', async (_case, index, reason) => {
    await expect(read(await repository(index))).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(reason) });
  });

  it('refuses a bomb, damaged packing, and an index that is too large to be fetched', async () => {
    const bomb = await repository('', { pack: () => gzipSync(Buffer.from(`X:\n${` ${'x'.repeat(1000)}\n`.repeat(70_000)}`)) });
    await expect(read(bomb)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('unpacks to more than') });
    await expect(read(await repository('', { pack: () => Buffer.from('x'.repeat(100)) }))).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('damaged or truncated') });
    const digest = createHash('sha256').digest('hex');
    const huge = releaseOf({}).replace('SHA256:\n', `SHA256:\n ${digest} 99999999999 ${name}\n`);
    await expect(read({ 'dists/stable/InRelease': await signInline(huge, key) })).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('larger than') });
  });

  it('says what there is when what is asked for is not', async () => {
    const files = await repository(paragraph('foo.deb'));
    const deb = { suite: 'stable', components: ['contrib'], architectures: ['amd64'] };
    await expect(read(files, { deb })).rejects.toMatchObject({ code: 'source-invalid', suggestion: 'It says that it has the components main, extra and the architectures amd64, all.' });
    await expect(readDebRepository(placeOf(files), { keys: [], workDirectory, signal: new AbortController().signal })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('ends when it is told to', async () => {
    const files = await repository(paragraph('foo.deb'));
    await expect(read(files, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

async function* failing(error: Error): AsyncGenerator<Buffer, void> {
  yield await Promise.reject(error);
}
