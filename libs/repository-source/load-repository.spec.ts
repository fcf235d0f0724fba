import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { serveFiles, type FileServer } from './__fixtures__/file-server.js';
import { addDocuments, sampleRepository, type SampleRepository } from './__fixtures__/sample-repository.js';
import { scratchSource, unhurried, type ScratchSource } from './__fixtures__/scratch-source.js';
import { samplePrimary, sha256Of, writeRepository } from './__fixtures__/written-repository.js';
import type { OpenRepositorySource } from './repository-source.js';

let repository: SampleRepository;
let server: FileServer;
let scratch: ScratchSource;

beforeEach(async () => {
  repository = sampleRepository();
  addDocuments(repository);
  server = await serveFiles(repository.directory);
  scratch = await scratchSource();
});
afterEach(async () => {
  await scratch[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  repository[Symbol.dispose]();
});

const pin = async (source: OpenRepositorySource = scratch.source) => ({ url: server.url, ...(await source.pin(server.url, unhurried)) });
const load = (pinned: { readonly url: string; readonly repomdSha256: string }, source: OpenRepositorySource = scratch.source) => source.load(pinned, { ...unhurried, index: 0 });
/** A directory, a file and a symbolic link. */
const paths = ['/usr/share/millrace', '/usr/share/millrace/hello.txt', '/usr/share/millrace/link.txt'];
const cacheFiles = (): string[] => readdirSync(path.join(scratch.directory, 'metadata/parsed'), { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => path.join(each.parentPath, each.name));

describe('loading what was pinned', () => {
  it('asks the network once, and for file lists only when somebody looks for a path', async () => {
    const pinned = await pin();
    const first = await load(pinned);
    for (const each of first.packages) await scratch.source.fetch(each, unhurried);
    expect(server.requests.filter((request) => !request.startsWith('/Packages'))).toEqual(['/repodata/repomd.xml', `/${repository.metadata('primary.xml.gz')}`]);
    server.requests.length = 0;
    const other = scratch.again();
    const second = await load(pinned, other);
    expect(second).toEqual({ ...first, findFileOwners: expect.anything(), groups: expect.anything(), modules: expect.anything() });
    for (const each of second.packages) await other.fetch(each, unhurried);
    expect(server.requests).toEqual([]);
    const owners = await second.findFileOwners(new Set(['/usr/share/doc/none', ...paths]));
    expect(server.requests).toEqual([`/${repository.metadata('filelists.xml.gz')}`]);
    for (const found of owners.values()) for (const each of found) expect(second.packages).toContain(each);
    await second.findFileOwners(new Set(['/x']));
    expect(server.requests).toHaveLength(1);
  });

  it('finds the owners of every path that the packages have', async () => {
    const { packages, findFileOwners } = await load(await pin());
    const owners = await findFileOwners(new Set(['/nowhere', ...paths]));
    expect([...owners].map(([file, found]) => [file, found.length])).toEqual(paths.map((file) => [file, packages.length]));
    for (const found of owners.values()) expect(new Set(found)).toEqual(new Set(packages));
  });

  it('follows the URL: what is kept of one mirror serves another', async () => {
    const pinned = await pin();
    await load(pinned);
    await using mirror = await serveFiles(repository.directory);
    const { packages, url } = await load({ ...pinned, url: `${mirror.url}/` });
    expect([url, mirror.requests]).toEqual([`${mirror.url}/`, []]);
    expect(packages.every(({ location }) => location.startsWith(`${mirror.url}/Packages/`))).toBe(true);
  });

  it('works when the content store has been swept in between, as long as the source is the same', async () => {
    const pinned = await pin();
    expect(await scratch.content.sweep(0)).toBe(1);
    expect((await load(pinned)).packages).toHaveLength(6);
  });

  it('makes kept metadata again that were damaged, and sweeps what nobody uses', async () => {
    const pinned = await pin();
    const { packages } = await load(pinned);
    const [file] = cacheFiles() as [string];
    const sound = readFileSync(file);
    for (const damaged of [Buffer.alloc(0), sound.subarray(0, -1), Buffer.from(sound).fill(0, 40, 41), Buffer.concat([sound, Buffer.from('x')])]) {
      writeFileSync(file, damaged);
      expect((await load(pinned, scratch.again())).packages).toEqual(packages);
      expect(readFileSync(file)).toEqual(sound);
    }
    expect(await scratch.source.sweep(60_000)).toBe(0);
    utimesSync(file, new Date(0), new Date(0));
    expect([await scratch.source.sweep(60_000), cacheFiles()]).toEqual([1, []]);
    expect((await load(pinned)).packages).toEqual(packages);
  });

  it('does not take metadata that are kept of another repository', async () => {
    const pinned = await pin();
    await load(pinned);
    const [file] = cacheFiles() as [string];
    const other = file.replaceAll(pinned.repomdSha256, 'a'.repeat(64)).replace(/\/[0-9a-f]{2}\/a/, `/${pinned.repomdSha256.slice(0, 2)}/a`);
    copyFileSync(file, other);
    await expect(load({ url: server.url, repomdSha256: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'source-changed' });
  });

  it('refuses what is no pin', async () => {
    await expect(load({ url: server.url, repomdSha256: '../../x' })).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('a source that changes while it is read', () => {
  it('still gives what was pinned when it is kept here', async () => {
    const pinned = await pin();
    const { packages } = await load(pinned);
    repository.make('--revision', '8');
    expect((await load(pinned)).packages).toEqual(packages);
    expect((await pin()).revision).toBe('8');
  });

  it('is told from a broken one', async () => {
    const pinned = await pin();
    rmSync(path.join(repository.directory, repository.metadata('primary.xml.gz')));
    await expect(load(pinned)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('does not exist') });
    rmSync(path.join(repository.directory, 'Packages/millrace-sample-xz.rpm'));
    repository.make('--revision', '8', '--simple-md-filenames');
    await expect(load(pinned)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringMatching(/has changed since it was pinned \(its repomd\.xml was .* now, revision 8\).*does not exist/) });
  });

  it('is refused when its repomd.xml is not the pinned one', async () => {
    const pinned = await pin();
    await scratch.content.sweep(0);
    repository.make('--revision', '8');
    await expect(load(pinned)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('revision 8') });
  });

  it('is refused when a file has other bytes of the same length', async () => {
    const pinned = await pin();
    const file = path.join(repository.directory, repository.metadata('primary.xml.gz'));
    writeFileSync(file, Buffer.alloc(readFileSync(file).length));
    await expect(load(pinned)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('is not the file that the metadata declare') });
    truncateSync(file, 100);
    await expect(load(pinned)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('100 bytes') });
  });

  it('gives what was pinned or fails, whatever byte is another in whatever file', async () => {
    const pinned = await pin();
    const loaded = await load(pinned);
    const expected = { packages: loaded.packages, groups: await loaded.groups(), modules: await loaded.modules(), owners: [...(await loaded.findFileOwners(new Set(paths))).keys()] };
    const bodies = new Map(loaded.packages.map(({ location }) => [location, readFileSync(path.join(repository.directory, new URL(location).pathname))]));
    const names = [...readdirSync(path.join(repository.directory, 'repodata')).map((name) => `repodata/${name}`), 'Packages/millrace-sample-gzip.rpm'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, position, difference) => {
        const file = path.join(repository.directory, name);
        const sound = readFileSync(file);
        const changed = Buffer.from(sound);
        changed[position % sound.length] = (changed[position % sound.length] as number) ^ difference;
        writeFileSync(file, changed);
        // Nothing is kept here: everything comes from the source.
        await Promise.all([scratch.content.sweep(0), scratch.source.sweep(0)]);
        try {
          const again = await load(pinned);
          expect(again.packages).toEqual(expected.packages);
          expect(await again.groups()).toEqual(expected.groups);
          expect(await again.modules()).toEqual(expected.modules);
          expect([...(await again.findFileOwners(new Set(paths))).keys()]).toEqual(expected.owners);
          for (const each of again.packages) expect(sha256Of(bodies.get(each.location) as Buffer)).toBe((await scratch.source.fetch(each, unhurried)).sha256);
        } catch (error) {
          if (!isMillraceError(error)) throw error;
          expect(['source-changed', 'source-invalid']).toContain(error.code);
        } finally {
          writeFileSync(file, sound);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not mix two states, though a server switches between any two requests', async () => {
    const states = [...Array(2).keys()].map((state) => sampleRepository('--revision', String(100 + state)));
    try {
      for (const compression of ['xz', 'gzip']) rmSync(path.join(states[1]?.directory as string, `Packages/millrace-sample-${compression}.rpm`));
      states[1]?.make('--revision', '101');
      for (let switchAt = 0; switchAt < 4; switchAt += 1) {
        await using fresh = await scratchSource();
        let asked = 0;
        server.handle = (request, response) => {
          const from = states[asked++ < switchAt ? 0 : 1]?.directory as string;
          try {
            response.end(readFileSync(path.join(from, request.url as string)));
          } catch {
            response.writeHead(404).end();
          }
        };
        const pinned = { url: server.url, ...(await fresh.source.pin(server.url, unhurried)) };
        const outcome = await load(pinned, fresh.source).then(({ packages }) => packages.length, (error: { code: string }) => error.code);
        expect(outcome).toBe(switchAt === 0 ? 4 : switchAt === 1 ? 'source-changed' : 6);
      }
    } finally {
      for (const state of states) state[Symbol.dispose]();
    }
  });
});

describe('zstd metadata', () => {
  it('are read as the others', async () => {
    using written = writeRepository([{ type: 'primary', text: samplePrimary(), packed: zstdCompressSync(samplePrimary()) }]);
    const local = scratch.again({ settings: { composeSourcePaths: [written.directory] } });
    const loaded = await load({ url: written.directory, repomdSha256: written.repomdSha256 }, local);
    expect(loaded.packages).toHaveLength(1);
    expect([await loaded.groups(), await loaded.modules(), await loaded.findFileOwners(new Set(['/x']))]).toEqual([undefined, undefined, new Map()]);
  });
});
