import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CacheDigest } from '../cache/cache-digest.js';
import { callOf, digestOf, keep, memoryAccess, memoryCache, type MemoryAccess, type MemoryCache } from './__fixtures__/memory-cache.js';
import type { AssetDownloads, WantedDownload } from './asset-downloads.js';
import type { Qualifier } from './asset-names.js';
import type { AssetServices } from './asset-services.js';
import { fetchAsset, type FetchedAsset } from './fetch-asset.js';
import { pushAsset, type PushedAsset } from './push-asset.js';

let kept: MemoryCache;
let access: MemoryAccess;
let services: AssetServices;
let clock: Date;

beforeEach(() => {
  clock = new Date('2026-01-01T00:00:00Z');
  kept = memoryCache({ now: () => clock });
  access = memoryAccess();
  services = { cache: kept.cache, access, now: () => clock };
});

function pushed(digest: CacheDigest | undefined, change: Partial<PushedAsset> = {}): PushedAsset {
  return { instance: '', kind: 'blob', uris: ['urn:strong', 'urn:weak'], qualifiers: [], target: digest === undefined ? undefined : { digest, shape: 'plain' }, references: [], expiresAt: undefined, ...change };
}

function wanted(change: Partial<FetchedAsset> = {}): FetchedAsset {
  return { instance: 'main', kind: 'blob', uris: ['urn:strong'], qualifiers: [], oldestAccepted: undefined, timeout: undefined, digestFunction: 'sha256', ...change };
}

const push = (asset: PushedAsset): Promise<void> => pushAsset(services, asset, callOf('builder', { session: 'session' }));
const fetched = async (asset: FetchedAsset): Promise<unknown> => fetchAsset(services, asset, callOf('anonymous'));
const notFound = expect.objectContaining({ code: 'entry-not-found' });
const invalid = expect.objectContaining({ code: 'invalid-request' });

describe('assets that were pushed', () => {
  it('are found by every URI, the first that leads to something', async () => {
    const digest = keep(kept, 'artifact');
    await push(pushed(digest));
    for (const uri of ['urn:strong', 'urn:weak']) {
      expect(await fetched(wanted({ uris: ['urn:unknown', uri] }))).toEqual({ found: { uri, qualifiers: {}, digest, keptUntil: '2026-01-01T01:00:00.000Z' } });
    }
    expect(access.taken).toEqual([{ key: 'urn:strong', how: 'pushed' }, { key: 'urn:weak', how: 'pushed' }, { key: 'urn:strong', how: 'pulled' }, { key: 'urn:weak', how: 'pulled' }]);
    expect([...kept.entries.values()].map(({ origin, pushedBy }) => [origin, pushedBy])).toEqual([[{ session: 'session' }, 'builder'], [{ session: 'session' }, 'builder']]);
  });

  it('may name blobs that come later, and are found when these are there', async () => {
    await push(pushed(digestOf('late')));
    await expect(fetched(wanted())).rejects.toEqual(notFound);
    keep(kept, 'late');
    expect(await fetched(wanted())).toHaveProperty('found');
  });

  it('are found by their exact qualifiers, in any order, and as what they were pushed', async () => {
    const qualifiers: readonly Qualifier[] = [{ name: 'b', value: '2' }, { name: 'a', value: '1' }];
    await push(pushed(keep(kept, 'q'), { qualifiers }));
    expect(await fetched(wanted({ qualifiers: [...qualifiers].reverse() }))).toHaveProperty('found.qualifiers', { a: '1', b: '2' });
    await expect(fetched(wanted({ qualifiers: qualifiers.slice(1) }))).rejects.toEqual(notFound);
    await expect(fetched(wanted())).rejects.toEqual(notFound);
    await expect(fetched(wanted({ qualifiers, kind: 'directory' }))).rejects.toEqual(notFound);
    await expect(fetched(wanted({ qualifiers, digestFunction: 'blake3' }))).rejects.toEqual(notFound);
  });

  it('are too old for whoever accepts only newer ones', async () => {
    await push(pushed(keep(kept, 'old')));
    expect(await fetched(wanted({ oldestAccepted: '2026-01-01T00:00:00.000Z' }))).toHaveProperty('found');
    await expect(fetched(wanted({ oldestAccepted: '2026-01-01T00:00:01.000Z' }))).rejects.toEqual(notFound);
  });

  it('are gone when they expire, and promised no longer than that', async () => {
    await push(pushed(keep(kept, 'short'), { expiresAt: '2026-01-01T00:10:00.000Z' }));
    expect(await fetched(wanted())).toHaveProperty('found.keptUntil', '2026-01-01T00:10:00.000Z');
    clock = new Date('2026-01-01T00:10:00Z');
    await expect(fetched(wanted())).rejects.toEqual(notFound);
  });

  it('need a digest, and not too many references', async () => {
    await expect(push(pushed(undefined))).rejects.toEqual(invalid);
    const reference = { digest: digestOf('x'), shape: 'plain' } as const;
    await expect(push(pushed(digestOf('x'), { references: Array.from({ length: 20_001 }, () => reference) }))).rejects.toEqual(invalid);
  });

  it('are refused with credentials for a name, which would be recorded', async () => {
    await expect(push(pushed(keep(kept, 'x'), { qualifiers: [{ name: 'http_header:Authorization', value: 'Bearer secret' }] }))).rejects.toEqual(expect.objectContaining({ code: 'invalid-request', message: expect.not.stringContaining('secret') }));
    expect(kept.entries.size).toBe(0);
  });
});

describe('an index alone', () => {
  it('leads to blobs that another server has, and promises nothing of them', async () => {
    kept = memoryCache({ storageElsewhere: true });
    services = { cache: kept.cache, access };
    await push(pushed(digestOf('elsewhere'), { references: [{ digest: digestOf('files'), shape: 'directory' }] }));
    expect(await fetched(wanted())).toEqual({ found: { uri: 'urn:strong', qualifiers: {}, digest: digestOf('elsewhere'), keptUntil: undefined } });
    expect([...kept.entries.values()].map(({ target, references }) => [target, references])).toEqual([[undefined, []], [undefined, []]]);
    await expect(fetched(wanted({ digestFunction: 'blake3' }))).rejects.toEqual(notFound);
  });
});

describe('who may push', () => {
  it('is told before anything else is said, because clients ask with an empty request', async () => {
    await expect(pushAsset(services, pushed(undefined, { uris: [] }), callOf('anonymous'))).rejects.toEqual(expect.objectContaining({ code: 'unauthorized' }));
    await expect(push(pushed(undefined, { uris: [] }))).rejects.toEqual(invalid);
    await expect(fetched(wanted({ uris: [] }))).rejects.toEqual(invalid);
    await expect(fetched(wanted({ instance: 'other' }))).rejects.toEqual(invalid);
  });

  it('is judged for every key before one of them is changed', async () => {
    services = { ...services, access: memoryAccess(['urn:strong']) };
    await expect(push(pushed(keep(kept, 'x')))).rejects.toEqual(expect.objectContaining({ code: 'forbidden' }));
    expect(kept.entries.size).toBe(0);
  });
});

describe('URLs that nobody pushed', () => {
  const asked: WantedDownload[] = [];
  const downloads: AssetDownloads = {
    allowed: () => true,
    download(request) {
      asked.push(request);
      const { uri } = request;
      return Promise.resolve(uri.endsWith('gone') ? { failure: { uri, reason: 'not-found', message: '404' } } : { digest: digestOf(uri) });
    },
  };
  const builder = (change: Partial<FetchedAsset>): Promise<unknown> => fetchAsset({ ...services, downloads }, wanted(change), callOf('builder'));

  beforeEach(() => void asked.splice(0));

  it('are downloaded for whoever may push them, the first that answers', async () => {
    const uris = ['urn:unknown', 'https://one.test/gone', 'https://two.test/x'];
    const qualifiers = [{ name: 'http_header_url:2:Authorization', value: 'Bearer two' }];
    expect(await builder({ uris, qualifiers })).toMatchObject({ found: { uri: 'https://two.test/x', digest: digestOf('https://two.test/x') } });
    expect(asked.map(({ uri, headers }) => [uri, headers])).toEqual([['https://one.test/gone', {}], ['https://two.test/x', { authorization: 'Bearer two' }]]);
  });

  it('are told as the fault of their server when none answers', async () => {
    expect(await builder({ uris: ['https://one.test/gone'] })).toEqual({ failure: { uri: 'https://one.test/gone', reason: 'not-found', message: '404' } });
  });

  it('are not downloaded for others, nor as directories, nor with qualifiers that cannot be honoured', async () => {
    expect(await fetchAsset({ ...services, downloads }, wanted({ uris: ['https://two.test/x'] }), callOf('anonymous'))).toMatchObject({ failure: { reason: 'refused', message: 'pushing to main needs credentials' } });
    await expect(builder({ uris: ['https://two.test/x'], kind: 'directory' })).rejects.toEqual(notFound);
    await expect(builder({ uris: ['https://two.test/x'], qualifiers: [{ name: 'vcs.commit', value: 'x' }] })).rejects.toEqual(invalid);
    expect(asked).toEqual([]);
  });

  it('are a plain miss where downloading is off', async () => {
    await expect(fetched(wanted({ uris: ['https://two.test/x'] }))).rejects.toEqual(notFound);
    await expect(fetchAsset({ ...services, downloads: { ...downloads, allowed: () => false } }, wanted({ uris: ['https://two.test/x'], qualifiers: [{ name: 'vcs.commit', value: 'x' }] }), callOf('builder'))).rejects.toEqual(notFound);
  });

  it('are found without the credentials that they were downloaded with when a checksum names them, else not', async () => {
    const sri = { name: 'checksum.sri', value: 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' };
    const header = { name: 'http_header:Authorization', value: 'Bearer x' };
    await push(pushed(keep(kept, 'named'), { uris: ['https://two.test/x'], qualifiers: [sri] }));
    await push(pushed(keep(kept, 'unnamed'), { uris: ['https://two.test/x'] }));
    expect(await builder({ uris: ['https://two.test/x'], qualifiers: [sri, header] })).toMatchObject({ found: { digest: digestOf('named') } });
    expect(asked).toEqual([]);
    expect(await builder({ uris: ['https://two.test/x'], qualifiers: [header] })).toMatchObject({ found: { digest: digestOf('https://two.test/x') } });
  });
});
