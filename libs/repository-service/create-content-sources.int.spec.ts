import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createNamesByHash } from '../cache-record/find-by-hash.js';
import type { CacheServiceParts } from '../cache-service/open-cache-parts.js';
import { openCacheParts } from '../cache-service/open-cache-parts.js';
import type { ContentSources } from '../repository-engine/content-sources.js';
import type { ComposePlan } from '../compose/compose-plan.js';
import type { Compose } from '../compose/compose.js';
import { openContentStore, type ContentStore } from '../repository-source/content-store.js';
import { composeRequest } from '../testing/compose-request.js';
import { specDatabase } from '../testing/spec-database.js';
import { createContentSources } from './create-content-sources.js';

describe('content that Millrace has', () => {
  const spec = specDatabase();
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-content-'));
  const { signal } = new AbortController();
  const composes = new Map<number, Compose>();
  let parts: CacheServiceParts;
  let content: ContentStore;
  let sources: ContentSources;

  beforeAll(async () => {
    mkdirSync(path.join(home, 'cache'));
    parts = await openCacheParts(spec.database, { settings: { cacheFile: undefined, cacheBlobs: `file:${path.join(home, 'cache')}`, home } });
    const nothing = { read: () => Promise.reject(new Error('no session is asked')) };
    content = await openContentStore(path.join(home, 'content'));
    const places = { composes: path.join(home, 'composes'), composeUrl: 'http://composes.test', composeTargetDirs: {} };
    sources = createContentSources({ blobs: nothing, composes: { get: async (id) => composes.get(id) }, content, places, cache: parts.cache, cachedNames: createNamesByHash(spec.database) });
  });

  afterAll(async () => {
    await parts.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function pushed(size: number): Promise<{ readonly bytes: Buffer; readonly sha256: string }> {
    const bytes = randomBytes(size);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await parts.cache.writeBlob('main', { function: 'sha256', hash: sha256, size }, only(bytes), { by: 'spec' });
    return { bytes, sha256 };
  }

  async function composed(id: number, bytes: Buffer, change: Partial<Compose> = {}): Promise<string> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const spoon = { sha256, size: bytes.length, name: 'spoon', epoch: 0, version: '1.0', release: '1', arch: 'noarch', sourceRpm: '', sigkey: '', fileTime: 0, from: '' };
    const plan: ComposePlan = { version: 1, trees: [{ arch: 'x86_64', packages: [], debuginfo: [], sources: [spoon] }], sourceDate: 0, results: [], groups: [], modules: [] };
    const { sha256: digest } = await content.add(only(Buffer.from(JSON.stringify(plan))));
    composes.set(id, { id, request: composeRequest(), state: 'done', reusedId: null, plan: digest, ...change } as Compose);
    return sha256;
  }

  it('is read out of a compose, from its tree where the store has no copy of its own any more', async () => {
    const bytes = Buffer.from('spoon');
    const sha256 = await composed(7, bytes, { reusedId: 5 });
    await expect(sources.open({ sha256, from: { compose: 7 } }, { signal })).rejects.toMatchObject({ code: 'blob-not-found', message: 'the files of compose 7 are not there any more' });
    const folder = path.join(home, 'composes/odcs-5/compose/Temporary/source/tree/Packages/s');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'spoon-1.0-1.noarch.rpm'), bytes);
    const ofTree = await sources.open({ sha256, from: { compose: 7 } }, { signal });
    expect(ofTree).toMatchObject({ fileName: 'spoon-1.0-1.noarch.rpm', size: 5 });
    expect(await buffer(ofTree.content)).toEqual(bytes);
    await content.add(only(bytes));
    rmSync(folder, { recursive: true });
    expect(await buffer((await sources.open({ sha256, from: { compose: 7 } }, { signal })).content)).toEqual(bytes);
  });

  it.each<[string, Partial<Compose>, string]>([
    ['expired', { state: 'removed' }, 'compose-closed'],
    ['failed', { state: 'failed', plan: null }, 'blob-not-found'],
    ['is not done', { state: 'generating', plan: null }, 'blob-not-found'],
  ])('is not in a compose that %s', async (_, change, code) => {
    const sha256 = await composed(8, Buffer.from('fork'), change);
    await expect(sources.open({ sha256, from: { compose: 8 } }, { signal })).rejects.toMatchObject({ code });
    await expect(sources.open({ sha256, from: { compose: 9 } }, { signal })).rejects.toMatchObject({ code: 'compose-not-found' });
  });

  it.each([['in the database', 100], ['in the store', 100_000]])('is read by its digest: %s', async (_, size) => {
    const { bytes, sha256 } = await pushed(size);
    const found = await sources.open({ sha256, from: { cache: 'main' } }, { signal });
    expect(found).toMatchObject({ fileName: sha256, size });
    expect(await buffer(found.content)).toEqual(bytes);
  });

  it('is not there, or in no such instance', async () => {
    await expect(sources.open({ sha256: '0'.repeat(64), from: { cache: 'main' } }, { signal })).rejects.toMatchObject({ code: 'blob-not-found', message: expect.stringContaining('main') });
    await expect(sources.open({ sha256: '0'.repeat(64), from: { cache: 'nowhere' } }, { signal })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('that the store has lost is not found', async () => {
    const { sha256 } = await pushed(50_000);
    const keys: string[] = [];
    for await (const { key } of parts.store.list('main/')) keys.push(key);
    expect(keys.length).toBeGreaterThan(0);
    await parts.store.remove(keys);
    await expect(sources.open({ sha256, from: { cache: 'main' } }, { signal })).rejects.toMatchObject({ code: 'blob-not-found' });
  });
});

async function* only(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
