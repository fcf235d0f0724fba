import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createNamesByHash } from '../cache-record/find-by-hash.js';
import type { CacheServiceParts } from '../cache-service/open-cache-parts.js';
import { openCacheParts } from '../cache-service/open-cache-parts.js';
import type { ContentSources } from '../repository-engine/content-sources.js';
import { openContentStore } from '../repository-source/content-store.js';
import { specDatabase } from '../testing/spec-database.js';
import { createContentSources } from './create-content-sources.js';

describe('content out of the artifact cache', () => {
  const spec = specDatabase();
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-content-'));
  const { signal } = new AbortController();
  let parts: CacheServiceParts;
  let sources: ContentSources;

  beforeAll(async () => {
    mkdirSync(path.join(home, 'cache'));
    parts = await openCacheParts(spec.database, { settings: { cacheFile: undefined, cacheBlobs: `file:${path.join(home, 'cache')}`, home } });
    const nothing = { read: () => Promise.reject(new Error('no session is asked')), get: () => Promise.reject(new Error('no compose is asked')) };
    sources = createContentSources({ blobs: nothing, composes: nothing, content: await openContentStore(path.join(home, 'content')), cache: parts.cache, cachedNames: createNamesByHash(spec.database) });
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
    for await (const { key } of parts.store.list('')) keys.push(key);
    expect(keys.length).toBeGreaterThan(0);
    await parts.store.remove(keys);
    await expect(sources.open({ sha256, from: { cache: 'main' } }, { signal })).rejects.toMatchObject({ code: 'blob-not-found' });
  });
});

async function* only(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
