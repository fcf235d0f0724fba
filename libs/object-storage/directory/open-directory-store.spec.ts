import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { describeObjectStore, keysOf } from '../__fixtures__/object-store-contract.js';
import type { ObjectStore } from '../object-store.js';
import { prefixedStore } from '../prefixed-store.js';
import { openDirectoryStore } from './open-directory-store.js';
import { unfinishedFile } from './unfinished-files.js';

/** Plain node, on a script of the fixtures. */
const fixtures = path.join(import.meta.dirname, '../__fixtures__');
const changing = ['--no-warnings', '--import', path.join(fixtures, '../../repository-source/__fixtures__/resolve-sources.mjs'), path.join(fixtures, 'change-directory-store.ts')];
const scratch = mkdtempSync(path.join(os.tmpdir(), 'millrace-directory-store-'));
let made = 0;
let root: string;
let store: ObjectStore;

beforeEach(() => {
  root = path.join(scratch, `store-${(made += 1)}`);
  store = openDirectoryStore(root);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describeObjectStore('a directory', () => Promise.resolve(openDirectoryStore(path.join(scratch, 'contract'))));
describeObjectStore('a folder of a directory', () => Promise.resolve(prefixedStore(openDirectoryStore(path.join(scratch, 'contract-of-folder')), 'a/folder')));

const filesOf = (folder: string): string[] => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
const unfinished = (): string[] => readdirSync(path.join(root, '.millrace-writing')).filter((name) => name !== 'lock');

describe('a directory', () => {
  it('has each object as a file that others may read, and nothing else beside its own folder', async () => {
    await store.put('packages/a.rpm', Buffer.from('a'));
    expect(readFileSync(path.join(root, 'packages/a.rpm'), 'utf8')).toBe('a');
    expect(filesOf(root).filter((file) => !file.startsWith('.millrace-writing/'))).toEqual(['packages/a.rpm']);
    expect(statSync(path.join(root, 'packages/a.rpm')).mode & 0o004).toBe(0o004);
    expect(unfinished()).toEqual([]);
  });

  it('is its user’s alone when it is secret', async () => {
    await openDirectoryStore(root, { secret: true }).put('a/b', Buffer.from('b'));
    expect([root, path.join(root, 'a'), path.join(root, 'a/b')].map((place) => lstatSync(place).mode & 0o077)).toEqual([0, 0, 0]);
  });

  it('makes copies that take no space of their own and go their own ways', async () => {
    await store.put('a', Buffer.from('first'));
    await store.copy('a', 'b');
    expect(statSync(path.join(root, 'a')).ino).toBe(statSync(path.join(root, 'b')).ino);
    await store.put('a', Buffer.from('second'));
    expect(await text((await store.get('b')).content)).toBe('first');
  });

  it('says of a copy when it was made, not when its bytes were written', async () => {
    await store.put('a', Buffer.from('a'));
    utimesSync(path.join(root, 'a'), 1, 1);
    await store.copy('a', 'b');
    expect((await store.head('b'))?.modified).toBeGreaterThan(Date.now() - 60_000);
  });

  it('moves a file that it may have', async () => {
    const file = path.join(scratch, 'spooled');
    writeFileSync(file, 'spooled', { mode: 0o600 });
    const { ino } = statSync(file);
    expect(await store.put('moved', { file, moved: true })).toMatchObject({ size: 7 });
    expect([existsSync(file), statSync(path.join(root, 'moved')).ino, readFileSync(path.join(root, 'moved'), 'utf8')]).toEqual([false, ino, 'spooled']);
  });

  it('never follows a link, neither out of its root nor inside', async () => {
    const outside = path.join(scratch, `outside-${made}`);
    mkdirSync(outside);
    writeFileSync(path.join(outside, 'secret'), 'secret');
    await store.put('a/object', Buffer.from('a'));
    symlinkSync(outside, path.join(root, 'folder'));
    symlinkSync(path.join(outside, 'secret'), path.join(root, 'a/link'));
    expect(await store.head('folder/secret')).toBeUndefined();
    expect(await store.head('a/link')).toBeUndefined();
    await expect(store.get('folder/secret')).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.get('a/link')).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.copy('a/link', 'a/copy')).rejects.toMatchObject({ code: 'blob-not-found' });
    await expect(store.put('folder/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-refused', message: expect.stringContaining('symbolic link') });
    await store.remove(['folder/secret', 'a/link']);
    expect(await keysOf(store, '')).toEqual(['a/object']);
    expect(await keysOf(store, 'folder/')).toEqual([]);
    expect(readdirSync(outside)).toEqual(['secret']);
    await store.put('a/link', Buffer.from('in the place of the link'));
    expect(readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('says what a directory cannot hold at once', async () => {
    await store.put('a', Buffer.from('a'));
    await expect(store.put('a/b', Buffer.from('b'))).rejects.toMatchObject({ code: 'invalid-request' });
    expect([await store.head('a/b'), await keysOf(store, 'a/')]).toEqual([undefined, []]);
    await store.put('c/d', Buffer.from('d'));
    await expect(store.put('c', Buffer.from('c'))).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await store.head('c')).toBeUndefined();
    await expect(store.get('c')).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('keeps no empty folder, and makes one again under a writer', async () => {
    const writing = Array.from({ length: 40 }, async (_, index) => {
      await store.put(`deep/er/${index}`, Buffer.from('x'));
      await store.remove([`deep/er/${index}`]);
    });
    await Promise.all(writing);
    expect(readdirSync(root)).toEqual(['.millrace-writing']);
  });

  it('sweeps what dead writers left, and leaves what somebody may be writing', async () => {
    await store.put('a', Buffer.from('a'));
    const writing = path.join(root, '.millrace-writing');
    const own = unfinishedFile(writing);
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', 'console.log(process.pid)']);
    const dead = own.replace(`.${process.pid}.`, `.${stdout.trim()}.`);
    const elsewhere = path.join(writing, `${'0'.repeat(16)}.1.writer`);
    const oldElsewhere = path.join(writing, `${'0'.repeat(16)}.1.old`);
    for (const file of [own, dead, elsewhere, oldElsewhere]) writeFileSync(file, 'part');
    utimesSync(oldElsewhere, 1, 1);
    await openDirectoryStore(root).put('b', Buffer.from('b'));
    expect(unfinished().toSorted()).toEqual([own, elsewhere].map((file) => path.basename(file)).toSorted());
  });

  it('fails rather than end early when a file is cut short while it is read', async () => {
    await store.put('a', Buffer.alloc(5_000_000));
    const { content } = await store.get('a');
    truncateSync(path.join(root, 'a'), 1000);
    await expect(buffer(content)).rejects.toMatchObject({ code: 'storage-unavailable' });
  });

  it('says that there is no space left, and leaves nothing there', async () => {
    // A limit on file sizes is the one shortage that every machine can have: the write gets EFBIG where a full file system gives ENOSPC.
    const answer = execFileSync('prlimit', ['--fsize=65536', process.execPath, ...changing, root, 'write', '200000'], { encoding: 'utf8' });
    expect(JSON.parse(answer)).toEqual({ code: 'storage-full', message: expect.stringContaining('written') });
    expect([await keysOf(store, ''), unfinished()]).toEqual([[], []]);
  });

  it('shows nothing of what a killed writer wrote, and lets the next writer sweep it', async () => {
    const dying = spawn(process.execPath, [...changing, root, 'endless'], { stdio: 'ignore' });
    while (!existsSync(path.join(root, '.millrace-writing')) || unfinished().length === 0) await sleep(5);
    dying.kill('SIGKILL');
    await once(dying, 'exit');
    expect([await keysOf(store, ''), unfinished().length]).toEqual([[], 1]);
    await store.put('next', Buffer.from('next'));
    expect([await keysOf(store, ''), unfinished()]).toEqual([['next'], []]);
  });

  it('loses no update of several processes that read, change and write', async () => {
    await store.put('counter', Buffer.from('0'));
    await Promise.all(Array.from({ length: 2 }, () => promisify(execFile)(process.execPath, [...changing, root, 'count', '15'])));
    expect(await text((await store.get('counter')).content)).toBe('30');
  });
});
