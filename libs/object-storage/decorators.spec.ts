import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { MillraceError, type ErrorCode } from '../errors/millrace-error.js';
import { describeObjectStore, keysOf, sha256 } from './__fixtures__/object-store-contract.js';
import { cachedStore } from './cached-store.js';
import { openDirectoryStore } from './directory/open-directory-store.js';
import { lazyStore } from './lazy-store.js';
import { measuredStore, storageMetrics } from './measured-store.js';
import type { ObjectStore } from './object-store.js';
import { retryingStore } from './retrying-store.js';
import { verifiedContent, verifiedStore } from './verified-store.js';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'millrace-decorators-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;
let root: string;
let store: ObjectStore;
let calls: string[];
beforeEach(() => {
  root = path.join(scratch, `store-${(made += 1)}`);
  calls = [];
  store = noting(openDirectoryStore(root));
});

/** The real store; what is asked of it is noted. */
function noting(real: ObjectStore): ObjectStore {
  return {
    ...real,
    put: (key, content, options) => (calls.push('put'), real.put(key, content, options)),
    copy: (from, to, options) => (calls.push('copy'), real.copy(from, to, options)),
    head: (key, options) => (calls.push('head'), real.head(key, options)),
    get: (key, options) => (calls.push('get'), real.get(key, options)),
    list: (prefix, options) => (calls.push(`list after ${options?.after ?? 'nothing'}`), real.list(prefix, options)),
    remove: (keys, options) => (calls.push('remove'), real.remove(keys, options)),
  };
}

/** As a store that is away the first so many times. */
function failing(real: ObjectStore, times: number, code: ErrorCode = 'storage-unavailable'): ObjectStore {
  let left = times;
  const fail = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left > 0) {
      left -= 1;
      throw new MillraceError(code, 'away');
    }
    return work();
  };
  return {
    ...real,
    put: (...given) => fail(() => real.put(...given)),
    copy: (...given) => fail(() => real.copy(...given)),
    head: (...given) => fail(() => real.head(...given)),
    get: (...given) => fail(() => real.get(...given)),
    async *list(...given) {
      for await (const object of real.list(...given)) yield await fail(() => Promise.resolve(object));
    },
    remove: (...given) => fail(() => real.remove(...given)),
  };
}

const quick = { deadline: 10_000, firstPause: 1, longestPause: 2, random: () => 1 };

describeObjectStore('a directory under all decorators', () => {
  const metrics = storageMetrics(new Registry())('spec');
  return Promise.resolve(cachedStore(verifiedStore(retryingStore(measuredStore(lazyStore(() => Promise.resolve(openDirectoryStore(path.join(scratch, 'contract')))), metrics)))));
});

describe('retries', () => {
  it('outlast a store that is away for a while', async () => {
    const source = path.join(scratch, 'file');
    writeFileSync(source, 'file');
    const away = (): ObjectStore => retryingStore(failing(store, 3), quick);
    await away().put('a', Buffer.from('a'));
    await away().put('b', { file: source });
    await away().copy('a', 'c');
    expect(await away().head('a')).toMatchObject({ size: 1 });
    expect(await text((await away().get('b')).content)).toBe('file');
    expect(await keysOf(away(), '')).toEqual(['a', 'b', 'c']);
    await away().remove(['a', 'b', 'c']);
    expect(await keysOf(store, '')).toEqual([]);
  });

  it('go on with a list after the last key that was given', async () => {
    for (const key of ['a', 'b', 'c']) await store.put(key, Buffer.from(key));
    let given = 0;
    const breaking: ObjectStore = {
      ...store,
      async *list(prefix, options) {
        for await (const object of store.list(prefix, options)) {
          if ((given += 1) === 3) throw new MillraceError('storage-unavailable', 'broken off');
          yield object;
        }
      },
    };
    expect(await keysOf(retryingStore(breaking, quick), '')).toEqual(['a', 'b', 'c']);
    expect(calls.filter((call) => call.startsWith('list'))).toEqual(['list after nothing', 'list after b']);
  });

  it('repeat neither streams nor conditional writes, nor what is refused', async () => {
    const away = (code?: ErrorCode): ObjectStore => retryingStore(failing(store, 1, code), quick);
    await store.put('a', Buffer.from('a'));
    calls = [];
    const stream = Readable.from([Buffer.from('x')]);
    await expect(away().put('x', { stream })).rejects.toMatchObject({ code: 'storage-unavailable' });
    await expect(away().put('x', Buffer.from('x'), { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-unavailable' });
    await expect(away().copy('a', 'x', { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-unavailable' });
    for (const code of ['storage-refused', 'storage-full', 'storage-conflict', 'blob-not-found'] as const) await expect(away(code).head('a')).rejects.toMatchObject({ code });
    expect(calls).toEqual([]);
  });

  it('end at their deadline, and when they are told to', async () => {
    await expect(retryingStore(failing(store, 1000), { ...quick, deadline: 20 }).head('a')).rejects.toMatchObject({ code: 'storage-unavailable' });
    const controller = new AbortController();
    const asked = retryingStore(failing(store, 1000), { ...quick, firstPause: 100_000, longestPause: 100_000, deadline: 1_000_000 }).head('a', { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toThrow('aborted');
  });
});

describe('verification', () => {
  it('withholds the end of what has another digest', async () => {
    const bytes = Buffer.alloc(300_000, 'x');
    const given: Buffer[] = [];
    const wrong = verifiedContent(Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]), sha256(Buffer.from('other')), 'the object');
    await expect(
      (async () => {
        for await (const chunk of wrong as AsyncIterable<Buffer>) given.push(chunk);
      })(),
    ).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(Buffer.concat(given)).toHaveLength(100_000);
    await expect(buffer(verifiedContent(Readable.from([Buffer.from('x')]), sha256(Buffer.from('y')), 'the object'))).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await buffer(verifiedContent(Readable.from([bytes]), sha256(bytes), 'the object'))).toEqual(bytes);
    expect(await buffer(verifiedContent(Readable.from([]), sha256(Buffer.alloc(0)), 'the object'))).toHaveLength(0);
  });

  it('leaves ranges, and objects without a known digest, as they are', async () => {
    await store.put('a', Buffer.from('0123'));
    const damaged: ObjectStore = { ...store, get: async (key, options) => ({ ...(await store.get(key, options)), sha256: 'ab'.repeat(32) }) };
    await expect(buffer((await verifiedStore(damaged).get('a')).content)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await text((await verifiedStore(damaged).get('a', { range: { start: 1, end: 2 } })).content)).toBe('12');
    expect(await text((await verifiedStore(store).get('a')).content)).toBe('0123');
  });

  it('gives up the object behind when nobody reads it', async () => {
    const content = new Readable({ read: () => undefined });
    verifiedContent(content, sha256(Buffer.alloc(0)), 'the object').destroy();
    await new Promise((resolve) => content.once('close', resolve));
    expect(content.destroyed).toBe(true);
  });
});

describe('the cache of reads', () => {
  const read = async (cached: ObjectStore, range?: { start: number; end?: number }): Promise<string> => text((await cached.get('index', range === undefined ? {} : { range })).content);

  it('reads a small object once, and asks each time whether it is still that one', async () => {
    const cached = cachedStore(store, { bytes: 10_000, objectBytes: 100 });
    await openDirectoryStore(root).put('index', Buffer.from('first'));
    expect([await read(cached), await read(cached), await read(cached, { start: 1, end: 3 })]).toEqual(['first', 'first', 'irs']);
    await expect(cached.get('index', { range: { start: 5 } })).rejects.toMatchObject({ code: 'invalid-request' });
    expect(calls).toEqual(['get', 'head', 'head', 'head']);
    await openDirectoryStore(root).put('index', Buffer.from('second'));
    expect([await read(cached), await read(cached)]).toEqual(['second', 'second']);
    await openDirectoryStore(root).remove(['index']);
    await expect(cached.get('index')).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('keeps no more than it may', async () => {
    const cached = cachedStore(store, { bytes: 4000, objectBytes: 100 });
    await cached.put('large', Buffer.alloc(101));
    for (const key of ['a', 'b', 'c', 'd']) await cached.put(key, Buffer.from(key));
    calls = [];
    for (const key of ['large', 'large', 'a', 'b', 'c', 'd', 'a']) await buffer((await cached.get(key)).content);
    expect(calls).toEqual(['get', 'get', 'get', 'get', 'get', 'get', 'get']);
  });

  it('knows of its own writes at once, and of conditions', async () => {
    const cached = cachedStore(store);
    const { etag } = await cached.put('index', Buffer.from('first'));
    await read(cached);
    await cached.put('other', Buffer.from('other'));
    await cached.copy('other', 'index');
    expect(await read(cached)).toBe('other');
    await expect(cached.get('index', { etag })).rejects.toMatchObject({ code: 'storage-conflict' });
    await cached.remove(['index']);
    await expect(cached.get('index')).rejects.toMatchObject({ code: 'blob-not-found' });
  });
});

describe('the metrics of storage', () => {
  it('count operations by their outcome, and bytes both ways, without a key', async () => {
    const registry = new Registry();
    const measured = measuredStore(openDirectoryStore(root), storageMetrics(registry)('default'));
    await measured.put('secret/key', Buffer.from('12345'));
    await buffer((await measured.get('secret/key')).content);
    await measured.copy('secret/key', 'secret/copy');
    await measured.head('secret/key');
    await keysOf(measured, '');
    await measured.remove(['secret/copy']);
    await expect(measured.get('secret/copy')).rejects.toThrow();
    const said = await registry.metrics();
    for (const operation of ['put', 'get', 'copy', 'head', 'list', 'remove']) expect(said).toContain(`millrace_storage_operation_duration_seconds_count{store="default",operation="${operation}",outcome="ok"} 1`);
    expect(said).toContain('operation="get",outcome="blob-not-found"} 1');
    expect(said).toContain('millrace_storage_bytes_total{store="default",direction="written"} 5');
    expect(said).toContain('millrace_storage_bytes_total{store="default",direction="read"} 5');
    expect(said).not.toContain('secret');
  });
});

describe('a store that is opened by its first use', () => {
  it('is opened once, and again after a failure', async () => {
    let opened = 0;
    const lazy = lazyStore(() => {
      opened += 1;
      return opened === 1 ? Promise.reject(new MillraceError('storage-unavailable', 'away')) : Promise.resolve(store);
    });
    expect(opened).toBe(0);
    await expect(lazy.put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'storage-unavailable' });
    await Promise.all([lazy.put('a', Buffer.from('a')), lazy.head('a'), keysOf(lazy, '')]);
    expect([opened, readdirSync(root)]).toEqual([2, ['.millrace-writing', 'a']]);
  });
});
