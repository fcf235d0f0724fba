import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { readDownloads } from '../session-record/read-downloads.js';
import { listSessions } from '../session-record/read-sessions.js';
import { specDatabase } from '../testing/spec-database.js';
import { callOf, keyOf, memoryAccess, memoryCache, type MemoryCache } from './__fixtures__/memory-cache.js';
import { startRealProxy, type RealProxy } from './__fixtures__/real-proxy.js';
import type { WantedDownload } from './asset-downloads.js';
import { parseChecksum } from './checksum-sri.js';
import { openAssetDownloads, type OpenAssetDownloads } from './open-asset-downloads.js';

const spec = specDatabase();
const archive = gzipSync('a source archive');
let proxy: RealProxy;
let origin: Server;
let base: string;
let serve: RequestListener;
let asked: string[];
let kept: MemoryCache;
let downloads: OpenAssetDownloads;

beforeAll(async () => {
  proxy = await startRealProxy(spec.database);
  origin = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? ''}`.trim());
    serve(request, response);
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.2', resolve));
  base = `http://127.0.0.2:${(origin.address() as AddressInfo).port}`;
});

afterAll(async () => {
  origin.closeAllConnections();
  origin.close();
  await proxy[Symbol.asyncDispose]();
});

async function open(fetch: { readonly policy: 'strict' | 'permissive'; readonly retain: boolean }, port = proxy.port): Promise<OpenAssetDownloads> {
  kept = memoryCache({ fetch });
  const settings = { home: proxy.home, host: '127.0.0.1', proxyPort: port, caCertificate: undefined, permissive: true, policyFile: undefined, blobs: `file:${path.join(proxy.home, 'blobs')}` };
  const opened = await openAssetDownloads({ settings, database: spec.database, cache: kept.cache, access: memoryAccess(), spool: () => mkdir(path.join(proxy.home, 'spool'), { recursive: true }).then(() => path.join(proxy.home, 'spool')), version: '0.0.0', warn: (message) => expect(message).toBe('') });
  return opened!;
}

beforeEach(async () => {
  asked = [];
  serve = (_, response) => void response.end(archive);
  downloads = await open({ policy: 'permissive', retain: true });
});

afterEach(async () => {
  await downloads.close();
  expect(await readdir(path.join(proxy.home, 'spool')).catch(() => [])).toEqual([]);
});

function wanted(change: Partial<WantedDownload> = {}): WantedDownload {
  return { instance: 'main', uri: `${base}/a.tar.gz`, qualifiers: {}, headers: {}, checksum: undefined, digestFunction: 'sha256', timeout: undefined, notBefore: undefined, ...change };
}

const digest = { function: 'sha256', hash: createHash('sha256').update(archive).digest('hex'), size: archive.length } as const;
const newestSession = async () => (await listSessions(spec.database, { limit: 1 })).items[0]!;
const failure = (reason: string, message: unknown = expect.any(String)): unknown => ({ failure: { uri: expect.any(String), reason, message } });

describe('a download of a URL that nobody pushed', () => {
  it('is made by a session, which is recorded, ended and named by the entry', async () => {
    expect(await downloads.download(wanted(), callOf('builder'))).toEqual({ digest });
    const session = await newestSession();
    expect(session).toMatchObject({ state: 'ended', owner: 'builder', policy: 'permissive' });
    const { items } = await readDownloads(spec.database, session.id, { limit: 10 });
    expect(items).toMatchObject([{ kind: 'downloaded', url: `${base}/a.tar.gz`, sha256: digest.hash }]);
    expect([...kept.entries.values()]).toMatchObject([{ key: `${base}/a.tar.gz`, target: { digest, shape: 'plain' }, origin: { session: session.id }, pushedBy: 'builder' }]);
    expect(kept.blobs.get(`sha256:${digest.hash}/${digest.size}`)).toEqual(archive);
  });

  it('leaves no session behind where none is retained', async () => {
    await downloads.close();
    downloads = await open({ policy: 'permissive', retain: false });
    const before = await newestSession();
    expect(await downloads.download(wanted(), callOf('builder'))).toEqual({ digest });
    expect((await newestSession()).id).toBe(before.id);
    expect([...kept.entries.values()][0]!.origin).toEqual({});
  });

  it('is made once for all who ask for it, and goes on when the first of them has left', async () => {
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    serve = (_, response) => {
      arrived.resolve();
      void release.promise.then(() => response.end(archive));
    };
    const leaving = new AbortController();
    const first = downloads.download(wanted(), { ...callOf('builder'), signal: leaving.signal });
    await arrived.promise;
    const others = [downloads.download(wanted(), callOf('builder')), downloads.download(wanted({ timeout: 1 }), callOf('builder'))];
    leaving.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(await others[1]).toEqual(failure('timed-out'));
    release.resolve();
    expect(await others[0]).toEqual({ digest });
    expect(asked).toEqual(['/a.tar.gz']);
  });

  it('is begun anew for whoever accepts no older one, and for other credentials', async () => {
    await downloads.download(wanted(), callOf('builder'));
    await Promise.all([downloads.download(wanted({ headers: { authorization: 'Bearer one' } }), callOf('builder')), downloads.download(wanted({ headers: { authorization: 'Bearer two' } }), callOf('builder'))]);
    expect(asked.sort()).toEqual(['/a.tar.gz', '/a.tar.gz Bearer one', '/a.tar.gz Bearer two']);
  });

  it('keeps what credentials gave only under a checksum, and records none of them', async () => {
    const headers = { authorization: 'Bearer very-secret' };
    expect(await downloads.download(wanted({ headers }), callOf('builder'))).toEqual({ digest });
    expect(kept.entries.size).toBe(0);
    const sri = `sha256-${Buffer.from(digest.hash, 'hex').toString('base64')}`;
    const qualifiers = { 'checksum.sri': sri };
    expect(await downloads.download(wanted({ headers, qualifiers, checksum: parseChecksum(sri) }), callOf('builder'))).toEqual({ digest });
    expect([...kept.entries.keys()]).toEqual([keyOf({ instance: 'main', kind: 'blob', key: `${base}/a.tar.gz`, qualifiers })]);
    expect(JSON.stringify(await query(spec.database, 'select data from events', []))).not.toContain('very-secret');
  });

  it('follows redirects, and gives credentials to the first origin alone', async () => {
    const other = base.replace('127.0.0.2', 'localhost.test');
    serve = (request, response) => {
      if (request.url === '/a.tar.gz') response.writeHead(302, { location: '/b' }).end();
      else response.end(archive);
    };
    expect(await downloads.download(wanted({ headers: { authorization: 'Bearer x' } }), callOf('builder'))).toEqual({ digest });
    expect(asked).toEqual(['/a.tar.gz Bearer x', '/b Bearer x']);
    serve = (_, response) => void response.writeHead(302, { location: other }).end();
    expect(await downloads.download(wanted({ headers: { authorization: 'Bearer x' } }), callOf('builder'))).toEqual(failure('unavailable', expect.stringContaining('502')));
  });
});

describe('a server that does not give the asset', () => {
  it.each<[string, string, RequestListener]>([
    ['has none', 'not-found', (_, response) => void response.writeHead(404).end('no')],
    ['refuses', 'refused', (_, response) => void response.writeHead(403).end('no')],
    ['fails', 'unavailable', (_, response) => void response.writeHead(500).end('no')],
    ['breaks off', 'unavailable', (_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('x', () => response.destroy());
    }],
    ['redirects for ever', 'unavailable', (_, response) => void response.writeHead(302, { location: '/again' }).end()],
    ['redirects to something else', 'unavailable', (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end()],
    ['sends too much', 'too-large', (_, response) => void response.end(Buffer.alloc(1_000_001))],
  ])('%s: %s', async (_, reason, listener) => {
    serve = listener;
    expect(await downloads.download(wanted(), callOf('builder'))).toEqual(failure(reason));
    expect(kept.blobs.size + kept.entries.size).toBe(0);
    expect(await newestSession()).toMatchObject({ state: 'ended' });
  });

  it('is told when it gives other bytes than the checksum says', async () => {
    const checksum = parseChecksum(`sha256-${createHash('sha256').update('other').digest('base64')}`);
    expect(await downloads.download(wanted({ checksum }), callOf('builder'))).toEqual(failure('inconsistent'));
    expect(kept.blobs.size).toBe(0);
  });

  it('lies where sessions may not go', async () => {
    expect(await downloads.download(wanted({ uri: 'http://127.0.0.1:1/x' }), callOf('builder'))).toEqual(failure('refused'));
  });

  it('is none that policy lets a strict session take from', async () => {
    await downloads.close();
    downloads = await open({ policy: 'strict', retain: true });
    expect(await downloads.download(wanted(), callOf('builder'))).toEqual(failure('refused', expect.stringContaining('403')));
  });
});

describe('downloads that cannot be made', () => {
  it('say that the proxy is away', async () => {
    await downloads.close();
    downloads = await open({ policy: 'permissive', retain: true }, 1);
    await expect(downloads.download(wanted(), callOf('builder'))).rejects.toMatchObject({ code: 'service-unavailable' });
  });

  it('are ended when the cache is stopped', async () => {
    const arrived = Promise.withResolvers<void>();
    serve = () => arrived.resolve();
    const download = expect(downloads.download(wanted(), callOf('builder'))).rejects.toMatchObject({ code: 'service-unavailable' });
    await arrived.promise;
    await downloads.close();
    await download;
    expect(await newestSession()).toMatchObject({ state: 'ended' });
  });

  it.each(['ftp://x.test/a', 'https://user:password@x.test/a', 'http://'])('are refused for %s', async (uri) => {
    await expect(downloads.download(wanted({ uri }), callOf('builder'))).rejects.toMatchObject({ code: 'invalid-request', message: expect.not.stringContaining('password@') });
  });

  it('are never made by permissive sessions where the service allows none', async () => {
    const settings = { home: proxy.home, host: '127.0.0.1', proxyPort: 1, caCertificate: undefined, permissive: false, policyFile: undefined, blobs: `file:${proxy.home}` };
    const parts = { settings, database: spec.database, access: memoryAccess(), spool: () => Promise.resolve(proxy.home), version: '0', warn: () => undefined };
    await expect(openAssetDownloads({ ...parts, cache: kept.cache })).rejects.toMatchObject({ code: 'invalid-setting' });
    expect(await openAssetDownloads({ ...parts, cache: memoryCache().cache })).toBeUndefined();
  });
});
