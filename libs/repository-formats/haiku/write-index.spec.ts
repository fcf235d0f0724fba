import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../../embedded/project-root.js';
import { bufferSource } from '../../haiku/byte-source.js';
import { sample } from '../../haiku/__fixtures__/samples.js';
import { canonicalFileName } from '../../haiku/package/package-info.js';
import { readRepositoryFile } from '../../haiku/repository/repository-file.js';
import { parseRepositoryInfo } from '../../haiku/repository/repository-info-text.js';
import { makeHaikuPackage, type MadePackage } from '../../testing/haiku/make-haiku-package.js';
import type { IndexContent, WrittenIndex } from '../package-format.js';
import { haikuRepository, haikuSettings, indexJob, knowledgeOf, listedAs, unsigned, type Knowledge } from './__fixtures__/haiku-job.js';
import { haikuFormat } from './haiku-format.js';
import { inspected } from './inspect-package.js';

const run = promisify(execFile);
let cacheDirectory = '';

beforeEach(async () => {
  cacheDirectory = await mkdtemp(path.join(tmpdir(), 'haiku-index-'));
});

afterEach(() => rm(cacheDirectory, { recursive: true, force: true }));

const made = (...packages: readonly MadePackage[]): Promise<Knowledge[]> => Promise.all(packages.map((each) => knowledgeOf(makeHaikuPackage(each))));

function bytesOf({ switched }: WrittenIndex, file: string): Buffer {
  const found = switched.find((each) => each.path === file);
  if (found === undefined || !Buffer.isBuffer(found.content)) throw new Error(`no ${file}`);
  return found.content;
}

const names = (files: readonly IndexContent[]): string[] => files.map((file) => file.path);

/** In the words of Haiku's `package_repo list -v`, by a reader that shares no code with Millrace. */
async function listing(repo: Buffer): Promise<string> {
  const file = path.join(cacheDirectory, 'repo');
  await writeFile(file, repo);
  return (await run('python3', [path.join(projectRoot(), 'libs/testing/haiku/read_repository.py'), file])).stdout;
}

describe('the index of a haiku repository', () => {
  it('of the packages of the real tools says, to another reader, what theirs says', async () => {
    const real = await readRepositoryFile(bufferSource(sample('repo')));
    const known = real.packages.map(({ info, checksum }) => listedAs(inspected(info, { checksum, licences: [] }), { sha256: checksum, size: 1 }));
    const { licenses: _none, ...haiku } = real.info;
    const index = await haikuFormat.writeIndex(indexJob(known, { repository: haikuRepository({ haiku }), cacheDirectory }));
    expect(await listing(bytesOf(index, 'repo'))).toBe(sample('repo.listing.txt').toString('utf8'));
    expect(bytesOf(index, 'repo.info').toString()).toBe(sample('repo.info').toString());
    // The lengths of the packages, of the shared strings, and their number; the order of strings that are equally frequent is by chance in theirs.
    expect(bytesOf(index, 'repo').subarray(48, 72)).toEqual(sample('repo').subarray(48, 72));
    expect(bytesOf(index, 'package.list').toString().split('\n')).toEqual(real.packages.map(({ info }) => canonicalFileName(info)));
  });

  it('has the files that clients ask for, the checksum last', async () => {
    const known = await made({ name: 'foo', version: '1.0-1' }, { name: 'bar', version: '2.0-1', compression: 'none' });
    const index = await haikuFormat.writeIndex(indexJob(known, { cacheDirectory }));
    expect([names(index.immutable), names(index.switched)]).toEqual([[], ['repo.info', 'package.list', 'repo', 'repo.sha256']]);
    expect(bytesOf(index, 'repo.sha256').toString()).toBe(createHash('sha256').update(bytesOf(index, 'repo')).digest('hex'));
    expect(bytesOf(index, 'package.list').toString()).toBe('bar-2.0-1-x86_64.hpkg\nfoo-1.0-1-x86_64.hpkg');
    expect(parseRepositoryInfo(bytesOf(index, 'repo.info').toString())).toEqual({ ...haikuSettings, licenses: [] });
    for (const file of index.switched) expect(file).toMatchObject({ size: bytesOf(index, file.path).length, sha256: createHash('sha256').update(bytesOf(index, file.path)).digest('hex') });
  });

  it('is the same when it is written again, in whatever order the packages come, and from what was kept or not', async () => {
    const known = await made({ name: 'foo', version: '1.0-1' }, { name: 'bar', version: '2.0-1' }, { name: 'Baz', version: '1' });
    const first = await haikuFormat.writeIndex(indexJob(known, { cacheDirectory }));
    const again = indexJob(known.toReversed(), { cacheDirectory });
    expect(await haikuFormat.writeIndex(again)).toEqual(first);
    expect(again.asked).toEqual([]);
  });

  it('asks only for what is new, and for all again when what was kept is damaged', async () => {
    const known = await made({ name: 'foo', version: '1.0-1' }, { name: 'bar', version: '2.0-1' });
    const added = await made({ name: 'baz', version: '1' });
    await haikuFormat.writeIndex(indexJob(known, { cacheDirectory }));
    const next = indexJob([...known, ...added], { cacheDirectory });
    const index = await haikuFormat.writeIndex(next);
    expect(next.asked).toEqual(added.map(({ listed }) => listed.sha256));
    const [kept = ''] = await readdir(cacheDirectory);
    const bytes = await readFile(path.join(cacheDirectory, kept));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path.join(cacheDirectory, kept), bytes);
    const damaged = indexJob([...known, ...added], { cacheDirectory });
    expect(await haikuFormat.writeIndex(damaged)).toEqual(index);
    expect(damaged.asked).toHaveLength(3);
  });

  it('is written where nothing can be kept', async () => {
    const known = await made({ name: 'foo', version: '1.0-1' });
    await writeFile(path.join(cacheDirectory, 'file'), '');
    const index = await haikuFormat.writeIndex(indexJob(known, { cacheDirectory: path.join(cacheDirectory, 'file', 'below') }));
    expect(await listing(bytesOf(index, 'repo'))).toContain('\tname: foo\n');
  });

  it('of no packages is read by clients too', async () => {
    const index = await haikuFormat.writeIndex(indexJob([], { cacheDirectory }));
    expect((await listing(bytesOf(index, 'repo'))).split('packages:\n')[1]).toBe('');
    expect(bytesOf(index, 'package.list')).toHaveLength(0);
  });

  it('has each name once: its newest version, and the machine\'s own before any', async () => {
    const known = await made({ name: 'foo', version: '1.9-1' }, { name: 'foo', version: '1.10-1' }, { name: 'foo', version: '1.10~rc1-5' }, { name: 'bar', version: '1', architecture: 'any' }, { name: 'bar', version: '1' });
    const index = await haikuFormat.writeIndex(indexJob(known, { cacheDirectory }));
    expect(bytesOf(index, 'package.list').toString()).toBe('bar-1-x86_64.hpkg\nfoo-1.10-1-x86_64.hpkg');
  });

  it('shows licences that have to be approved, each once', async () => {
    const licences = { 'Vendor Firmware': `Do not ask.\n${'Really. '.repeat(20_000)}`, Short: 'x' };
    const known = await made({ name: 'firmware', version: '1', licences }, { name: 'other', version: '1', licences: { 'vendor firmware': 'another text' } }, { name: 'free', version: '1' });
    const index = await haikuFormat.writeIndex(indexJob(known, { cacheDirectory }));
    const { info } = await readRepositoryFile(bufferSource(bytesOf(index, 'repo')));
    expect(info.licenses).toEqual(Object.entries(licences).map(([name, text]) => ({ name, text })));
    expect(await listing(bytesOf(index, 'repo'))).toContain('\tlicense: Short (1 bytes)\n');
  });

  it('is refused without knowledge of a package, never written without it', async () => {
    const [foo, bar] = (await made({ name: 'foo', version: '1.0-1' }, { name: 'bar', version: '2.0-1' })) as [Knowledge, Knowledge];
    const job = { ...indexJob([foo, bar], { cacheDirectory }), metadata: () => Promise.resolve(new Map([[foo.listed.sha256, foo.metadata]])) };
    await expect(haikuFormat.writeIndex(job)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('bar-2.0-1-x86_64.hpkg') });
    const mixed = indexJob([foo, { ...bar, metadata: foo.metadata }], { cacheDirectory });
    await expect(haikuFormat.writeIndex(mixed)).rejects.toThrow(/bar-2\.0-1-x86_64\.hpkg is of other bytes/);
    expect((await haikuFormat.writeIndex(indexJob([foo, bar], { cacheDirectory }))).switched).toHaveLength(4);
    await rm(path.join(cacheDirectory, 'haiku-stable.attributes'));
    const damaged = indexJob([{ ...foo, metadata: Buffer.from('9') }], { cacheDirectory });
    await expect(haikuFormat.writeIndex(damaged)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('unknown layout') });
  });

  it('is not larger than what clients read', async () => {
    const licences = (of: number): Record<string, string> => Object.fromEntries([1, 2].map((index) => [`Licence ${of}.${index}`, 'x'.repeat(250_000)]));
    const known = await made(...[1, 2, 3].map((of) => ({ name: `firmware${of}`, version: '1', licences: licences(of) })));
    await expect(haikuFormat.writeIndex(indexJob(known, { cacheDirectory }))).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('licences included') });
  });

  it('is signed by the first key of minisign, and by no other', async () => {
    const known = await made({ name: 'foo', version: '1.0-1' });
    const key = { fingerprint: 'F', publicKey: 'P', expiresAt: null, held: 'service' } as const;
    const keys = {
      ...unsigned,
      list: () => Promise.resolve([{ ...key, name: 'gpg', kind: 'openpgp' as const }, { ...key, name: 'new', kind: 'minisign' as const }, { ...key, name: 'old', kind: 'minisign' as const }]),
      minisign: (name: string, content: Buffer, { fileName, at }: { readonly fileName: string; readonly at: string }) => Promise.resolve(`${name} ${fileName} ${at} ${content.length}`),
    };
    const index = await haikuFormat.writeIndex(indexJob(known, { repository: haikuRepository({ keys: ['gpg', 'new', 'old'] }), keys, cacheDirectory }));
    expect(names(index.switched)).toEqual(['repo.info', 'package.list', 'repo.minisig', 'repo', 'repo.sha256']);
    expect(bytesOf(index, 'repo.minisig').toString()).toBe(`new repo 2026-11-21T12:00:00Z ${bytesOf(index, 'repo').length}`);
    const without = indexJob(known, { repository: haikuRepository({ keys: ['gpg', 'lost'] }), keys, cacheDirectory });
    await expect(haikuFormat.writeIndex(without)).rejects.toMatchObject({ code: 'key-not-found', message: expect.stringContaining('gpg, lost') });
  });
});

/** Haiku's own client: the checksum, and, where it is not that of what it has, the file, which must have that checksum. */
function refresh(has: number, files: readonly { readonly repo: number; readonly checksum: number }[]): 'fine' | 'failed' {
  const [first, later] = [files[0]?.checksum, files[1]?.repo];
  return first === has || first === later ? 'fine' : 'failed';
}

type Switched = 'repo' | 'repo.sha256';

/** Clients that fail, of those that have the state before and of those that have an older one or nothing: whenever each of their two requests comes, and while a publisher is stopped half-way. */
function failures(order: readonly Switched[]) {
  const seen = [0, 1, 2].map((written) => ({ repo: order.slice(0, written).includes('repo') ? 2 : 1, checksum: order.slice(0, written).includes('repo.sha256') ? 2 : 1 }));
  const moments = seen.flatMap((one, at) => seen.slice(at).map((other) => [one, other] as const));
  const stopped = seen.slice(1, 2).map((files) => [files, files] as const);
  const failed = (has: number, when: typeof moments): number => when.filter((files) => refresh(has, files) === 'failed').length;
  return { current: failed(1, moments), behind: failed(0, moments), stopped: { current: failed(1, stopped), behind: failed(0, stopped) } };
}

describe('the order in which the files of an index are switched', () => {
  it('is the one in which a client that is up to date never fails, however long the publisher is stopped; in the other one all do then', async () => {
    const [known] = await made({ name: 'foo', version: '1.0-1' });
    const { switched } = await haikuFormat.writeIndex(indexJob([known as Knowledge], { cacheDirectory }));
    const order = names(switched).filter((name): name is Switched => name === 'repo' || name === 'repo.sha256');
    expect(names(switched).slice(-2)).toEqual(order);
    expect(failures(order)).toEqual({ current: 0, behind: 4, stopped: { current: 0, behind: 1 } });
    expect(failures(order.toReversed())).toEqual({ current: 1, behind: 2, stopped: { current: 1, behind: 1 } });
  });
});
