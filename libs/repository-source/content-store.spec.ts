import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openContentStore, type ContentStore } from './content-store.js';
import { sweptFile } from './content-sweep.js';

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const hour = 3_600_000;

async function* chunksOf(...chunks: (Buffer | string | Error)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield Buffer.from(chunk);
  }
}

/** Plain node, on a script of the fixtures. */
const fixture = (name: string): string => path.join(import.meta.dirname, '__fixtures__', name);
const adding = ['--no-warnings', '--import', fixture('resolve-sources.mjs'), fixture('add-content.ts')];

let directory: string;
let store: ContentStore;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'millrace-content-'));
  store = await openContentStore(path.join(directory, 'content'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const leftovers = (): string[] => readdirSync(path.join(directory, 'content/tmp'));
const unusedFor = (file: string, milliseconds: number): void => utimesSync(file, new Date(Date.now() - milliseconds), statSync(file).mtime);

describe('adding to the content store', () => {
  it('gives files their digest as a name, read-only', async () => {
    const added = await store.add(chunksOf('mill', 'race'));
    expect(added).toEqual({ sha256: sha256Of(Buffer.from('millrace')), size: 8 });
    expect(readFileSync(store.file(added.sha256), 'utf8')).toBe('millrace');
    expect(statSync(store.file(added.sha256)).mode & 0o777).toBe(0o444);
    expect([await store.has(added.sha256), await store.size(added.sha256), leftovers()]).toEqual([true, 8, []]);
    expect([await store.has('0'.repeat(64)), await store.size('0'.repeat(64))]).toEqual([false, undefined]);
  });

  it.each(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])('checks a %s', async (algorithm) => {
    const hex = createHash(algorithm).update('millrace').digest('hex');
    expect(await store.add(chunksOf('millrace'), { expected: { algorithm, hex } })).toMatchObject({ size: 8 });
    await expect(store.add(chunksOf('Millrace'), { expected: { algorithm, hex } })).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect([await store.has(sha256Of(Buffer.from('Millrace'))), leftovers()]).toEqual([false, []]);
  });

  it('leaves nothing of what is too long or breaks off', async () => {
    await expect(store.add(chunksOf('mill', 'race'), { limit: 7 })).rejects.toMatchObject({ code: 'payload-too-large' });
    await expect(store.add(chunksOf('mill', new Error('gone')))).rejects.toThrow('gone');
    expect(leftovers()).toEqual([]);
    expect(await store.add(chunksOf('mill', 'race'), { limit: 8 })).toMatchObject({ size: 8 });
  });

  it('takes in a file that was made at a place of its own, unless none was', async () => {
    const put = (text: string) => (part: string): Promise<boolean> => Promise.resolve(writeFileSync(part, text, { flag: 'wx', mode: 0o600 })).then(() => true);
    const added = await store.adopt(put('millrace'));
    expect(added).toEqual({ sha256: sha256Of(Buffer.from('millrace')), size: 8 });
    const file = store.file(added?.sha256 ?? '');
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['millrace', 0o444]);
    expect(await store.adopt(put('millrace'))).toEqual(added);
    expect(await store.adopt(() => Promise.resolve(false))).toBeUndefined();
    await expect(store.adopt(put('millrace'), { limit: 7 })).rejects.toMatchObject({ code: 'payload-too-large' });
    await expect(store.adopt(put('Millrace'), { expected: { algorithm: 'sha256', hex: added?.sha256 ?? '' } })).rejects.toMatchObject({ code: 'digest-mismatch' });
    await expect(store.adopt(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(leftovers()).toEqual([]);
  });

  it('takes the same bytes from many at once', async () => {
    const bytes = randomBytes(100_000);
    const other = await openContentStore(path.join(directory, 'content'));
    const added = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? store : other).add(chunksOf(bytes))));
    expect(new Set(added.map(({ sha256 }) => sha256))).toEqual(new Set([sha256Of(bytes)]));
    expect(readFileSync(store.file(sha256Of(bytes)))).toEqual(bytes);
    expect(leftovers()).toEqual([]);
  });

  it('puts a sound file in the place of a truncated one', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    rmSync(store.file(sha256));
    writeFileSync(store.file(sha256), 'mill');
    await store.add(chunksOf('millrace'));
    expect(readFileSync(store.file(sha256), 'utf8')).toBe('millrace');
  });

  it('says when there is no space left, and leaves nothing', () => {
    // A limit on file sizes is the one shortage that every machine can have: the write gets EFBIG where a full file system gives ENOSPC.
    const root = path.join(directory, 'content');
    const answer = execFileSync('prlimit', ['--fsize=65536', process.execPath, ...adding, root, '2'], { encoding: 'utf8' });
    expect(JSON.parse(answer)).toEqual({ code: 'storage-full', message: expect.stringContaining(root) });
    expect(leftovers()).toEqual([]);
  });

  it('has no half of a file when the process that adds it is killed', async () => {
    const dying = spawn(process.execPath, [...adding, path.join(directory, 'content'), '1000000'], { stdio: 'ignore' });
    const written = (): number => leftovers().reduce((sum, name) => sum + statSync(path.join(directory, 'content/tmp', name)).size, 0);
    while (written() < 200_000) await sleep(5);
    dying.kill('SIGKILL');
    await once(dying, 'exit');
    expect(readdirSync(path.join(directory, 'content'))).toEqual(['tmp']);
    const [left] = leftovers() as [string];
    await store.sweep(0);
    expect(leftovers()).toEqual([left]);
    utimesSync(path.join(directory, 'content/tmp', left), new Date(0), new Date(0));
    await store.sweep(hour);
    expect(leftovers()).toEqual([]);
  });

  it('refuses names that are no digests', async () => {
    expect(() => store.file('../../etc/passwd')).toThrow('64 lower-case hex digits');
    await expect(store.has('A'.repeat(64))).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(store.link('x', path.join(directory, 'x'))).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('linking out of the content store', () => {
  it('makes hard links, as often as asked, and never replaces', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    const target = path.join(directory, 'linked');
    await store.link(sha256, target);
    await store.link(sha256, target);
    expect(statSync(target).ino).toBe(statSync(store.file(sha256)).ino);
    writeFileSync(path.join(directory, 'other'), 'other');
    await expect(store.link(sha256, path.join(directory, 'other'))).rejects.toThrow('is there already');
    expect(readFileSync(path.join(directory, 'other'), 'utf8')).toBe('other');
  });

  it('copies to another file system', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    const elsewhere = mkdtempSync('/dev/shm/millrace-content-');
    try {
      expect(statSync(elsewhere).dev).not.toBe(statSync(directory).dev);
      const target = path.join(elsewhere, 'copied');
      unusedFor(store.file(sha256), 2 * hour);
      await store.link(sha256, target);
      expect(await store.sweep(hour)).toBe(0);
      expect(readFileSync(target, 'utf8')).toBe('millrace');
      await expect(store.link(sha256, target)).rejects.toThrow('is there already');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('copies when a file has as many links as its file system allows', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    const links = path.join(directory, 'links');
    mkdirSync(links);
    // ext4 allows 65,000; file systems that allow any number link for ever.
    for (let index = 0; index < 66_000; index += 1) {
      try {
        linkSync(store.file(sha256), path.join(links, String(index)));
      } catch {
        break;
      }
    }
    await store.link(sha256, path.join(directory, 'one-more'));
    expect(readFileSync(path.join(directory, 'one-more'), 'utf8')).toBe('millrace');
  });

  it('says when there is no such content, or no such directory', async () => {
    await expect(store.link('0'.repeat(64), path.join(directory, 'x'))).rejects.toMatchObject({ code: 'blob-not-found' });
    const { sha256 } = await store.add(chunksOf('millrace'));
    await expect(store.link(sha256, path.join(directory, 'none/x'))).rejects.toThrow('does not exist');
  });
});

describe('sweeping the content store', () => {
  it('removes what no tree links to and nobody has used, and nothing else', async () => {
    const [idle, used, linked, looked] = await Promise.all(['idle', 'used', 'linked', 'looked'].map(async (text) => (await store.add(chunksOf(text))).sha256)) as [string, string, string, string];
    await store.link(linked, path.join(directory, 'linked'));
    for (const sha256 of [idle, linked, looked]) unusedFor(store.file(sha256), 2 * hour);
    await store.has(looked);
    expect(await store.sweep(hour)).toBe(1);
    expect(await Promise.all([idle, used, linked, looked].map((sha256) => store.has(sha256)))).toEqual([false, true, true, true]);
    rmSync(path.join(directory, 'linked'));
    unusedFor(store.file(linked), 2 * hour);
    expect(await store.sweep(hour)).toBe(1);
  });

  it('leaves the modification time to the trees', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    utimesSync(store.file(sha256), new Date(0), new Date(1_700_000_000_000));
    await store.has(sha256);
    await store.link(sha256, path.join(directory, 'linked'));
    expect(statSync(store.file(sha256)).mtimeMs).toBe(1_700_000_000_000);
  });

  it('removes what crashes left behind, and not what is being written', async () => {
    const part = (name: string): string => path.join(directory, 'content/tmp', name);
    for (const name of ['add-dead', 'add-alive']) writeFileSync(part(name), 'x');
    utimesSync(part('add-dead'), new Date(0), new Date(0));
    expect(await store.sweep(0)).toBe(0);
    expect(leftovers()).toEqual(['add-alive']);
  });

  it.each(['used', 'idle'])('goes on where a sweep died over a file that is %s', async (how) => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    const swept = sweptFile(path.join(directory, 'content'), sha256);
    renameSync(store.file(sha256), swept);
    if (how === 'idle') unusedFor(swept, 2 * hour);
    await store.sweep(hour);
    expect([await store.has(sha256), leftovers()]).toEqual([how === 'used', []]);
  });

  it('links what a sweep has in its hands', async () => {
    const { sha256 } = await store.add(chunksOf('millrace'));
    renameSync(store.file(sha256), sweptFile(path.join(directory, 'content'), sha256));
    await store.link(sha256, path.join(directory, 'linked'));
    expect(readFileSync(path.join(directory, 'linked'), 'utf8')).toBe('millrace');
  });

  it('never takes a file away between the moment that somebody finds it and links it', async () => {
    const bodies = Array.from({ length: 40 }, (_, index) => `body ${index}`);
    const root = path.join(directory, 'content');
    let sweeping = true;
    const sweeps = [openContentStore(root), openContentStore(root)].map(async (opening) => {
      const sweeper = await opening;
      while (sweeping) await sweeper.sweep(hour);
    });
    let refetched = 0;
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(bodies.map(async (body, index) => {
        const sha256 = sha256Of(Buffer.from(body));
        // Idle: a sweep wants it just now.
        try {
          unusedFor(store.file(sha256), 2 * hour);
        } catch {
          // A sweep was faster.
        }
        if (!(await store.has(sha256))) {
          refetched += 1;
          await store.add(chunksOf(body));
        }
        const target = path.join(directory, `tree-${index}`);
        await store.link(sha256, target);
        expect(readFileSync(target, 'utf8')).toBe(body);
        rmSync(target);
      }));
    }
    sweeping = false;
    await Promise.all(sweeps);
    expect(refetched).toBeGreaterThanOrEqual(bodies.length);
    expect(leftovers()).toEqual([]);
  });
});
