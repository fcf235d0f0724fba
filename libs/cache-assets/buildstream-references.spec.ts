import { beforeEach, describe, expect, it } from '@jest/globals';
import { callOf, digestOf, keep, memoryAccess, memoryCache, type MemoryCache } from './__fixtures__/memory-cache.js';
import type { AssetServices } from './asset-services.js';
import { getReference, mayUpdate, updateReferences } from './buildstream-references.js';
import { fetchAsset } from './fetch-asset.js';

let kept: MemoryCache;
let services: AssetServices;

beforeEach(() => {
  kept = memoryCache();
  services = { cache: kept.cache, access: memoryAccess() };
});

describe('references of BuildStream 1', () => {
  it('lead to the directory that they were updated to, by every key', async () => {
    const digest = keep(kept, 'root');
    await updateReferences(services, { instance: '', keys: ['p/e/strong', 'p/e/weak'], digest }, callOf('builder'));
    for (const key of ['p/e/strong', 'p/e/weak']) expect(await getReference(services, { instance: '', key }, callOf('anonymous'))).toEqual(digest);
  });

  it('are the directories that newer clients ask for by URI', async () => {
    const digest = keep(kept, 'root');
    await updateReferences(services, { instance: '', keys: ['p/e/k'], digest }, callOf('builder'));
    const asset = { instance: '', kind: 'directory', uris: ['urn:fdc:buildstream.build:2020:v1:p/e/k'], qualifiers: [], oldestAccepted: undefined, timeout: undefined, digestFunction: 'sha256' } as const;
    expect(await fetchAsset(services, asset, callOf('anonymous'))).toMatchObject({ found: { digest } });
  });

  it('are not found when nobody set them, or their directory is gone', async () => {
    await updateReferences(services, { instance: '', keys: ['p/e/gone'], digest: digestOf('gone') }, callOf('builder'));
    for (const key of ['p/e/gone', 'p/e/unknown']) await expect(getReference(services, { instance: '', key }, callOf('anonymous'))).rejects.toMatchObject({ code: 'entry-not-found' });
    await expect(getReference(services, { instance: '', key: '' }, callOf('anonymous'))).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('are changed by those who may push, which others are told when they ask', async () => {
    expect([mayUpdate(services, '', callOf('builder')), mayUpdate(services, '', callOf('anonymous'))]).toEqual([true, false]);
    await expect(updateReferences(services, { instance: '', keys: ['k'], digest: digestOf('x') }, callOf('anonymous'))).rejects.toMatchObject({ code: 'unauthorized' });
    for (const keys of [[''], []]) await expect(updateReferences(services, { instance: '', keys, digest: digestOf('x') }, callOf('builder'))).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(updateReferences(services, { instance: '', keys: ['k'], digest: undefined }, callOf('builder'))).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
