import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ObjectStore } from '../object-store.js';

/** What every store keeps to; run against each of them, so that the parts above need to know none. `page`: objects that it lists at once. */
export function describeObjectStore(name: string, open: () => Promise<ObjectStore>, { page = 64 } = {}): void {
  describe(`${name} keeps the contract of stores: it`, () => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'millrace-store-'));
    let store: ObjectStore;

    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => {
      store.close();
      rmSync(scratch, { recursive: true, force: true });
    });

    const put = (key: string, content: string): ReturnType<ObjectStore['put']> => store.put(key, Buffer.from(content));
    const read = async (key: string): Promise<string> => text((await store.get(key)).content);

    it('gives back what was put, of each kind of content, and says its size and digest', async () => {
      const large = randomBytes(11 * 1024 * 1024);
      const file = path.join(scratch, 'large');
      writeFileSync(file, large);
      const contents = { 'kinds/bytes': Buffer.from('bytes'), 'kinds/empty': Buffer.alloc(0), 'kinds/large-file': { file }, 'kinds/large-stream': { stream: chunksOf(large), size: large.length }, 'kinds/unknown-size': { stream: chunksOf(large) } };
      for (const [key, content] of Object.entries(contents)) {
        const bytes = Buffer.isBuffer(content) ? content : large;
        const stored = await store.put(key, content, { contentType: 'text/plain' });
        expect(stored).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
        const body = await store.get(key);
        expect(sha256(await buffer(body.content))).toBe(sha256(bytes));
        expect([body.size, body.etag]).toEqual([bytes.length, stored.etag]);
        expect(await store.head(key)).toMatchObject({ size: bytes.length, etag: stored.etag });
      }
    });

    it('says that an object is absent', async () => {
      expect(await store.head('absent/object')).toBeUndefined();
      await expect(store.get('absent/object')).rejects.toMatchObject({ code: 'blob-not-found' });
      await expect(store.copy('absent/object', 'absent/copy')).rejects.toMatchObject({ code: 'blob-not-found' });
      await store.remove(['absent/object']);
      expect(await keysOf(store, 'absent/')).toEqual([]);
    });

    it('says when an object was written, or copied', async () => {
      const before = Date.now();
      await put('times/original', 'x');
      await store.copy('times/original', 'times/copy');
      for (const key of ['times/original', 'times/copy']) expect(Math.abs(((await store.head(key))?.modified ?? 0) - before)).toBeLessThan(60_000);
    });

    it('gives ranges of bytes, and refuses one that begins beyond the end', async () => {
      await put('ranges/digits', '0123456789');
      const range = async (start: number, end?: number): Promise<string> => text((await store.get('ranges/digits', { range: end === undefined ? { start } : { start, end } })).content);
      expect([await range(0, 0), await range(3, 5), await range(7), await range(8, 500)]).toEqual(['0', '345', '789', '89']);
      expect((await store.get('ranges/digits', { range: { start: 3, end: 5 } }).then(drained)).size).toBe(10);
      await expect(store.get('ranges/digits', { range: { start: 10 } })).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.get('ranges/digits', { range: { start: 5, end: 4 } })).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.get('ranges/digits', { range: { start: -1 } })).rejects.toMatchObject({ code: 'invalid-request' });
    });

    it('keeps nothing of what is not what was promised', async () => {
      const large = randomBytes(11 * 1024 * 1024);
      for (const bytes of [Buffer.from('small'), large]) {
        await expect(store.put('promises/digest', { stream: chunksOf(bytes) }, { sha256: sha256(Buffer.from('other')) })).rejects.toMatchObject({ code: 'digest-mismatch' });
        await expect(store.put('promises/short', { stream: chunksOf(bytes), size: bytes.length + 1 })).rejects.toMatchObject({ code: 'digest-mismatch' });
        await expect(store.put('promises/long', { stream: chunksOf(bytes), size: bytes.length - 1 })).rejects.toMatchObject({ code: 'digest-mismatch' });
      }
      expect(await keysOf(store, 'promises/')).toEqual([]);
    });

    it('keeps the object that was there, whole, when the next one breaks off', async () => {
      await put('breaks/object', 'old');
      await expect(store.put('breaks/object', { stream: breaking(randomBytes(11 * 1024 * 1024)) })).rejects.toThrow('the sender has gone');
      const controller = new AbortController();
      const aborted = store.put('breaks/object', { stream: chunksOf(randomBytes(1024 * 1024), () => controller.abort(new Error('given up'))) }, { signal: controller.signal });
      await expect(aborted).rejects.toThrow('given up');
      expect(await read('breaks/object')).toBe('old');
      expect(await keysOf(store, 'breaks/')).toEqual(['breaks/object']);
    });

    it('writes only where a condition holds', async () => {
      const first = await store.put('conditions/object', Buffer.from('first'), { condition: { absent: true } });
      await expect(store.put('conditions/object', Buffer.from('second'), { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-conflict' });
      await expect(store.put('conditions/none', Buffer.from('second'), { condition: { etag: first.etag } })).rejects.toMatchObject({ code: 'storage-conflict' });
      const second = await store.put('conditions/object', Buffer.from('second'), { condition: { etag: first.etag } });
      await expect(store.put('conditions/object', Buffer.from('third'), { condition: { etag: first.etag } })).rejects.toMatchObject({ code: 'storage-conflict' });
      expect(await read('conditions/object')).toBe('second');
      await expect(store.get('conditions/object', { etag: first.etag })).rejects.toMatchObject({ code: 'storage-conflict' });
      expect(await text((await store.get('conditions/object', { etag: second.etag })).content)).toBe('second');
      expect(await keysOf(store, 'conditions/')).toEqual(['conditions/object']);
    });

    it('holds conditions for what is sent in parts, too', async () => {
      const large = randomBytes(11 * 1024 * 1024);
      const first = await store.put('parts/object', { stream: chunksOf(large) }, { condition: { absent: true } });
      await expect(store.put('parts/object', { stream: chunksOf(large) }, { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-conflict' });
      await put('parts/object', 'other');
      await expect(store.put('parts/object', { stream: chunksOf(large) }, { condition: { etag: first.etag } })).rejects.toMatchObject({ code: 'storage-conflict' });
      expect(await read('parts/object')).toBe('other');
    });

    it('copies inside, with conditions, under names that need encoding', async () => {
      await put('copies/libstdc++ 1%.rpm', 'package');
      const copied = await store.copy('copies/libstdc++ 1%.rpm', 'copies/ü&<>"\'~^.rpm', { condition: { absent: true } });
      expect(await store.head('copies/ü&<>"\'~^.rpm')).toMatchObject({ size: 7, etag: copied.etag });
      expect(copied.size).toBe(7);
      await put('copies/empty', '');
      await store.copy('copies/empty', 'copies/also empty', { condition: { absent: true } });
      await expect(store.copy('copies/empty', 'copies/ü&<>"\'~^.rpm', { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-conflict' });
      await expect(store.copy('copies/empty', 'copies/ü&<>"\'~^.rpm', { condition: { etag: 'another' } })).rejects.toMatchObject({ code: 'storage-conflict' });
      expect(await read('copies/ü&<>"\'~^.rpm')).toBe('package');
      await store.copy('copies/empty', 'copies/ü&<>"\'~^.rpm', { condition: { etag: copied.etag } });
      expect(await read('copies/ü&<>"\'~^.rpm')).toBe('');
      await store.remove(['copies/libstdc++ 1%.rpm']);
      expect(await keysOf(store, 'copies/')).toEqual(['copies/also empty', 'copies/empty', 'copies/ü&<>"\'~^.rpm']);
    });

    it('lets one of many win who write at once where nothing may be', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => store.put('races/one', Buffer.from(`writer ${index}`), { condition: { absent: true } })));
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [`writer ${index}`] : []));
      expect([winners.length, await read('races/one')]).toEqual([1, winners[0]]);
    });

    it('lets one of many win who change what they have read', async () => {
      for (let round = 0; round < 4; round += 1) {
        const { etag } = await put('races/changed', `round ${round}`);
        const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => store.put('races/changed', Buffer.from(`${round}: writer ${index}`), { condition: { etag } })));
        const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [`${round}: writer ${index}`] : []));
        expect([winners.length, await read('races/changed')]).toEqual([1, winners[0]]);
      }
    });

    it('lists in the order of the bytes of keys, below a prefix that may end anywhere, after a key', async () => {
      const keys = ['lists/a', 'lists/a-b', 'lists/a.b', 'lists/a0', 'lists/b/c', 'lists/b/d/e', 'lists/b0', 'lists/é', 'lists/ｚ', 'lists/😀', 'lists/ lead', 'lists/trail ', 'lists/a+b', 'lists/a%20b', 'lists/&amp;'];
      await Promise.all([...keys, 'list', 'lists0', 'listt/x'].map((key) => put(key, key)));
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(store, 'lists/')).toEqual(sorted);
      expect(await keysOf(store, 'lists/a')).toEqual(sorted.filter((key) => key.startsWith('lists/a')));
      expect(await keysOf(store, 'lists/b/')).toEqual(['lists/b/c', 'lists/b/d/e']);
      for (const after of ['lists/a0', 'lists/b/', 'lists/b/c', 'lists/b/zzz', 'lists/zzz']) {
        expect([after, await keysOf(store, 'lists/', after)]).toEqual([after, sorted.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)]);
      }
      for await (const object of store.list('lists/é')) expect(object).toMatchObject({ size: 8, etag: (await store.head('lists/é'))?.etag });
      expect((await keysOf(store, '')).filter((key) => key.startsWith('list'))).toHaveLength(keys.length + 3);
    });

    it('lists and removes more than a page', async () => {
      const keys = Array.from({ length: 2 * page + 5 }, (_, index) => `pages/${String(index).padStart(5, '0')}`);
      for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => put(key, '')));
      expect(await keysOf(store, 'pages/')).toEqual(keys);
      await store.remove([...keys, 'pages/never-was']);
      expect(await keysOf(store, 'pages/')).toEqual([]);
    });

    it.each(['', '/', '/etc/passwd', 'a/', 'a//b', '../outside', 'a/../../outside', 'a/./b', 'a\0b', 'a\nb', '\uD800', 'x'.repeat(256), `${'long/'.repeat(205)}x`, '.millrace-writing/lock'])('refuses the key %j', async (key) => {
      await expect(put(key, 'x')).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.head(key)).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.copy('a', key)).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.copy(key, 'a')).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.remove([key])).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(store.presign(key, { seconds: 60 }).then((url) => url ?? Promise.reject(Object.assign(new Error(), { code: 'invalid-request' })))).rejects.toMatchObject({ code: 'invalid-request' });
    });

    it('stops where it is told to', async () => {
      await put('stops/object', 'x');
      const signal = AbortSignal.abort(new Error('given up'));
      await expect(store.put('stops/other', Buffer.from('x'), { signal })).rejects.toThrow();
      await expect(store.get('stops/object', { signal }).then(({ content }) => buffer(content))).rejects.toThrow();
      await expect(keysOf(store, 'stops/', undefined, signal)).rejects.toThrow();
      expect(await keysOf(store, 'stops/')).toEqual(['stops/object']);
    });
  });
}

export async function keysOf(store: ObjectStore, prefix: string, after?: string, signal?: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, { ...(after === undefined ? {} : { after }), ...(signal === undefined ? {} : { signal }) })) keys.push(key);
  return keys;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** In pieces, as a network brings them. */
export async function* chunksOf(bytes: Buffer, between: () => void = () => undefined): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) {
    yield bytes.subarray(at, at + 100_000);
    await new Promise((resolve) => setImmediate(resolve));
    between();
  }
}

async function* breaking(bytes: Buffer): AsyncGenerator<Buffer> {
  yield* chunksOf(bytes);
  throw new Error('the sender has gone');
}

async function drained<Body extends { content: AsyncIterable<unknown> }>(body: Body): Promise<Body> {
  for await (const chunk of body.content) expect(chunk).toBeDefined();
  return body;
}
