import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { namedCallers, named } from '../__fixtures__/named-callers.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const forEver = 'public, max-age=31536000, immutable';
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

async function create(name: string, kind: string, settings: object = {}): Promise<void> {
  await fetch(`${gateway.url}/v1/repositories`, { method: 'POST', headers: { authorization }, body: JSON.stringify({ name, kind, settings }) });
}

beforeEach(async () => {
  const { repositories } = gateway;
  repositories.held.clear();
  repositories.objects.held.clear();
  repositories.objects.reads.length = 0;
  repositories.objects.failure = undefined;
  repositories.objects.presigned = undefined;
  await create('fedora', 'rpm');
});

const get = (place: string, init: RequestInit = {}): Promise<Response> => fetch(`${gateway.url}/repositories/${place}`, { redirect: 'manual', ...init });

const file = (place: string, init: RequestInit = {}): Promise<Response> => get(`fedora/${place}`, init);

/** As a client sends it that does not tidy up paths. */
async function raw(target: string): Promise<string> {
  const socket = connect(gateway.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

describe('a file that the repository lists', () => {
  let primary: string;
  beforeEach(() => {
    const digest = gateway.repositories.objects.set('x', '<metadata/>');
    primary = `repodata/${digest}-primary.xml.gz`;
    gateway.repositories.publish('fedora', ['a-1.rpm', 'c++ 100%?#-1.rpm'], { 'repodata/repomd.xml': '<repomd/>', [primary]: '<metadata/>' });
  });

  it.each<[() => string, string, string, string]>([
    [() => 'packages/a-1.rpm', 'content of a-1.rpm', 'application/x-rpm', forEver],
    [() => `packages/${encodeURIComponent('c++ 100%?#-1.rpm')}`, 'content of c++ 100%?#-1.rpm', 'application/x-rpm', forEver],
    [() => 'repodata/repomd.xml', '<repomd/>', 'application/xml', 'public, no-cache'],
    [() => primary, '<metadata/>', 'application/gzip', forEver],
  ])('%p is served, for as long as it holds', async (place, content, type, cache) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await file(place(), { method });
      expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control'), answer.headers.get('content-length'), answer.headers.get('accept-ranges')]).toEqual([200, type, cache, String(content.length), 'bytes']);
      expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox;/);
      expect(await answer.text()).toBe(method === 'GET' ? content : '');
    }
  });

  it.each([
    ['bytes=0-6', 206, 'content', 'bytes 0-6/18'],
    ['bytes=-5', 206, '1.rpm', 'bytes 13-17/18'],
    ['bytes=13-', 206, '1.rpm', 'bytes 13-17/18'],
    ['bytes=13-999', 206, '1.rpm', 'bytes 13-17/18'],
    ['bytes=18-', 416, undefined, 'bytes */18'],
    ['bytes=-0', 416, undefined, 'bytes */18'],
    ['bytes=0-1,4-5', 200, 'content of a-1.rpm', null],
    ['bytes=5-2', 200, 'content of a-1.rpm', null],
    ['lines=0-1', 200, 'content of a-1.rpm', null],
    ['bytes=a-b', 200, 'content of a-1.rpm', null],
    ['bytes=0-99999999999999999999', 200, 'content of a-1.rpm', null],
  ])('with Range %s is %d', async (range, status, text, contentRange) => {
    const answer = await file('packages/a-1.rpm', { headers: { range } });
    expect([answer.status, answer.headers.get('content-range'), answer.headers.get('cache-control') === 'no-store']).toEqual([status, contentRange, status === 416]);
    const body = await answer.text();
    if (text !== undefined) expect(body).toBe(text);
  });

  it('is a part only of what its client has begun with', async () => {
    const { headers } = await file('packages/a-1.rpm', { method: 'HEAD' });
    const part = async (condition: string): Promise<number> => (await file('packages/a-1.rpm', { headers: { range: 'bytes=0-1', 'if-range': condition } })).status;
    expect([await part(headers.get('etag') ?? ''), await part('"other"'), await part(`W/${headers.get('etag')}`), await part('Sat, 21 Nov 2026 20:00:00 GMT')]).toEqual([206, 200, 200, 200]);
  });

  it('is 304 for whoever has it, without a look at the store', async () => {
    const { headers } = await file('repodata/repomd.xml', { method: 'HEAD' });
    gateway.repositories.objects.reads.length = 0;
    const again = await file('repodata/repomd.xml', { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect([again.status, await again.text(), gateway.repositories.objects.reads]).toEqual([304, '', []]);
  });

  it('is asked of the store itself where the settings want that, but for the index', async () => {
    const other = await startTestGateway({ dependencies: { repositories: gateway.repositories.dependencies() }, environment: { MILLRACE_REPOSITORY_REDIRECT: 'packages' } });
    try {
      const answers = async (): Promise<unknown[]> => Promise.all(['packages/a-1.rpm', 'repodata/repomd.xml'].map(async (place) => {
        const answer = await fetch(`${other.url}/repositories/fedora/${place}`, { redirect: 'manual' });
        return [answer.status, answer.headers.get('location'), answer.headers.get('cache-control')];
      }));
      gateway.repositories.objects.presigned = 'https://bucket.example/signed';
      expect(await answers()).toEqual([[302, 'https://bucket.example/signed/packages/a-1.rpm', 'no-store'], [200, null, 'public, no-cache']]);
      const { status, headers } = await fetch(`${other.url}/repositories/fedora/packages/a-1.rpm`, { method: 'HEAD', redirect: 'manual' });
      expect([status, headers.get('content-length')]).toEqual([200, '18']);
      gateway.repositories.objects.presigned = undefined;
      expect(await answers()).toEqual([[200, null, forEver], [200, null, 'public, no-cache']]);
    } finally {
      await other.close();
    }
  });

  it('that the store has lost, or has other bytes of, is not there, and the log says so', async () => {
    gateway.repositories.objects.held.delete('packages/a-1.rpm');
    const lost = await file('packages/a-1.rpm', { headers: { range: 'bytes=0-1' } });
    expect([lost.status, lost.headers.get('etag'), lost.headers.get('content-range'), lost.headers.get('cache-control'), await lost.text()]).toEqual([404, null, null, 'no-store', expect.stringContaining('the store has lost packages/a-1.rpm')]);
    gateway.repositories.objects.set('packages/a-1.rpm', 'CONTENT of a-1.rpm');
    expect((await file('packages/a-1.rpm')).status).toBe(404);
    gateway.repositories.objects.set('packages/a-1.rpm', 'shorter');
    expect((await file('packages/a-1.rpm')).status).toBe(404);
    expect(gateway.log()).toContain('the store has lost packages/a-1.rpm');
  });

  it.each([['storage-unavailable', 503], ['storage-refused', 502]] as const)('of a store that is %s is %d and not to be kept', async (code, status) => {
    gateway.repositories.objects.failure = new MillraceError(code, 'the bucket at https://secret.example does not answer');
    const answer = await file('packages/a-1.rpm');
    expect([answer.status, answer.headers.get('cache-control'), (await answer.text()).includes('secret')]).toEqual([status, 'no-store', false]);
  });

  it('is let go of when its client goes away', async () => {
    const { signal, abort } = { signal: new AbortController(), abort: () => signal.abort() };
    const answer = await file('packages/a-1.rpm', { signal: signal.signal });
    abort();
    await answer.text().catch(() => undefined);
    const [read] = gateway.repositories.objects.reads;
    if (read?.signal?.aborted === false) await once(read.signal, 'abort');
    expect(read?.signal?.aborted).toBe(true);
  });
});

describe('what is not for anybody', () => {
  beforeEach(() => {
    gateway.repositories.publish('fedora', ['a-1.rpm'], { 'repodata/repomd.xml': 'x' });
    for (const key of ['.incoming/upload', '.states/1/repodata/repomd.xml', '.obsolete/packages/old.rpm', 'packages/.obsolete/old.rpm', 'packages/evil.rpm', 'evil.html', 'other/a-1.rpm']) gateway.repositories.objects.set(key, 'hostile');
  });

  it.each(['.incoming/upload', '.states/1/repodata/repomd.xml', '.obsolete/packages/old.rpm', 'packages/.obsolete/old.rpm', 'packages/evil.rpm', 'evil.html', 'other/a-1.rpm', 'a-1.rpm', 'packages/a-1.rpm/', 'packages/', 'packages'])('%s is 404, although it lies in the store', async (place) => {
    const answer = await get(`fedora/${place}`);
    expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([404, 'no-store', expect.stringMatching(/^404 Not Found: /)]);
    expect(gateway.repositories.objects.reads).toEqual([]);
  });

  it.each(['/repositories/fedora/../../etc/passwd', '/repositories/fedora/%2e%2e/%2e%2e/etc/passwd', '/repositories/fedora/packages%2f..%2f.incoming%2fupload', '/repositories/fedora//packages/a-1.rpm', '/repositories/fedora/%00', '/repositories/%2e%2e/x', '/repositories/FEDORA/x', '/repositories/none/x', `/repositories/fedora/${'a/'.repeat(3000)}`, '/repositories/fedora/%ff'])('%.60s leads nowhere', async (target) => {
    expect(await raw(target)).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(gateway.repositories.objects.reads).toEqual([]);
  });

  it('is a package that was only uploaded, or is not published yet', async () => {
    await fetch(`${gateway.url}/v1/repositories/fedora/uploads?fileName=new-1.rpm`, { method: 'POST', headers: { authorization }, body: 'bytes' });
    expect((await get('fedora/packages/new-1.rpm')).status).toBe(404);
  });
});

describe('a repository that moves on', () => {
  it('has the packages and the fixed files of the states before for the grace time', async () => {
    await create('quick', 'rpm', { graceSeconds: 600 });
    const files = [1, 2, 3].map((state) => ({ 'repodata/repomd.xml': `repomd ${state}`, [`repodata/${gateway.repositories.objects.set('x', `primary ${state}`)}-primary.xml`]: `primary ${state}` }));
    const fixed = files.map((each) => Object.keys(each)[1] ?? '');
    gateway.repositories.publish('quick', ['a-1.rpm'], files[0], minutesAgo(60));
    gateway.repositories.publish('quick', ['a-2.rpm'], files[1], minutesAgo(20));
    gateway.repositories.publish('quick', ['a-3.rpm'], files[2], minutesAgo(5));
    const statuses = await Promise.all(['packages/a-1.rpm', 'packages/a-2.rpm', 'packages/a-3.rpm', ...fixed].map(async (place) => (await get(`quick/${place}`)).status));
    expect(statuses).toEqual([404, 200, 200, 404, 200, 200]);
    expect(await (await get('quick/repodata/repomd.xml')).text()).toBe('repomd 3');
  });

  it('is seen as soon as it is recorded, and not before', async () => {
    gateway.repositories.publish('fedora', ['a-1.rpm'], { 'repodata/repomd.xml': 'one' });
    expect(await (await get('fedora/repodata/repomd.xml')).text()).toBe('one');
    gateway.repositories.objects.set('repodata/repomd.xml', 'two'); // switched in the store, not recorded yet
    expect(await (await get('fedora/repodata/repomd.xml')).text()).toBe('one');
    gateway.repositories.publish('fedora', ['a-1.rpm'], { 'repodata/repomd.xml': 'two' });
    expect(await (await get('fedora/repodata/repomd.xml')).text()).toBe('two');
  });

  it('is served from its own place where the copy of its state is gone', async () => {
    gateway.repositories.publish('fedora', ['a-1.rpm'], { 'repodata/repomd.xml': 'one' });
    gateway.repositories.objects.held.delete('.states/1/repodata/repomd.xml');
    expect(await (await get('fedora/repodata/repomd.xml')).text()).toBe('one');
  });
});

/** One connection each, as programs have them. */
class Reader implements Disposable {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(private readonly program: string) {}

  async get(place: string): Promise<string> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(`${gateway.url}/repositories/${place}`, { agent: this.agent, headers: { 'user-agent': this.program } }, resolve).on('error', reject).end();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }
}

describe('a pair of files', () => {
  const haiku = { haiku: { name: 'x', identifier: 'tag:x', baseUrl: 'http://x.test', vendor: 'x', summary: 'x', priority: 1, architecture: 'x86_64' } };
  const deb = { deb: { components: ['main'], architectures: ['amd64'] } };

  it.each<[string, object, string, string]>([
    ['haiku', haiku, 'repo.sha256', 'repo'],
    ['rpm', {}, 'repodata/repomd.xml', 'repodata/repomd.xml.asc'],
    ['deb', deb, 'dists/stable/Release', 'dists/stable/Release.gpg'],
  ])('of %s is of one state for whoever begins before the switch and goes on after it', async (kind, settings, first, second) => {
    await create('pair', kind, settings);
    const publish = (state: number): number => gateway.repositories.publish('pair', [`a-${state}`], { [first]: `first ${state}`, [second]: `second ${state}` });
    publish(1);
    using begun = new Reader('begun/1');
    using late = new Reader('late/1');
    expect(await begun.get(`pair/${first}`)).toBe('first 1');
    publish(2);
    expect([await begun.get(`pair/${second}`), await begun.get(`pair/${second}`), await late.get(`pair/${second}`)]).toEqual(['second 1', 'second 1', 'second 2']);
    expect([await begun.get(`pair/${first}`), await begun.get(`pair/${second}`)]).toEqual(['first 2', 'second 2']);
  });

  it('is known by address and program where each file has a connection of its own', async () => {
    await create('pair', 'haiku', haiku);
    gateway.repositories.publish('pair', ['a-1'], { 'repo.sha256': 'digest 1', repo: 'repo 1' });
    for (const [program, expected] of [['pkgman', 'repo 1'], ['other', 'repo 2']] as const) {
      if (program === 'pkgman') {
        using first = new Reader('pkgman');
        await first.get('pair/repo.sha256');
        gateway.repositories.publish('pair', ['a-2'], { 'repo.sha256': 'digest 2', repo: 'repo 2' });
      }
      using second = new Reader(program);
      expect(await second.get('pair/repo')).toBe(expected);
    }
  });

  it('is of what clients see now where the state that was begun with is no longer kept', async () => {
    await create('brief', 'haiku', { ...haiku, graceSeconds: 0 });
    gateway.repositories.publish('brief', ['a-1'], { 'repo.sha256': 'digest 1', repo: 'repo 1' }, minutesAgo(2));
    using reader = new Reader('pkgman');
    await reader.get('brief/repo.sha256');
    gateway.repositories.publish('brief', ['a-2'], { 'repo.sha256': 'digest 2', repo: 'repo 2' }, minutesAgo(1));
    expect(await reader.get('brief/repo')).toBe('repo 2');
  });
});

describe('pages', () => {
  it('list repositories, and what one has', async () => {
    gateway.repositories.publish('fedora', ['a-1.rpm', '<img src=x>.rpm'], { 'repodata/repomd.xml': 'x' });
    const [all, one] = [await get(''), await get('fedora/')];
    expect([all.headers.get('content-type'), one.headers.get('cache-control'), one.headers.get('content-security-policy')]).toEqual(['text/html; charset=utf-8', 'no-cache', expect.stringContaining("default-src 'none'")]);
    expect(await all.text()).toContain('<a href="./fedora/">fedora</a>: rpm, 2 packages');
    const text = await one.text();
    expect([...text.matchAll(/<a href="([^"]+)">/g)].map((match) => match[1])).toEqual(['../', './repodata/repomd.xml', './packages/%3Cimg%20src%3Dx%3E.rpm', './packages/a-1.rpm']);
    expect(text).not.toContain('<img');
  });

  it('have a slash at their end', async () => {
    const answers = await Promise.all([fetch(`${gateway.url}/repositories`, { redirect: 'manual' }), get('fedora')]);
    expect(answers.map((answer) => [answer.status, answer.headers.get('location')])).toEqual([[301, './repositories/'], [301, './fedora/']]);
  });
});

describe('what machines that install are given', () => {
  const text = async (place: string): Promise<string> => (await get(place)).text();

  it('is a file for their package manager, and the keys', async () => {
    const files = gateway.settings.repositoryUrl;
    await create('signed', 'rpm', { keys: ['release'] });
    await create('debian', 'deb', { deb: { suite: 'trixie', components: ['main', 'contrib'], architectures: ['amd64'] }, keys: ['release'] });
    expect(await text('fedora.repo')).toBe(`[fedora]\nname=fedora\nbaseurl=${files}/fedora/\nenabled=1\nmetadata_expire=300\ngpgcheck=0\nrepo_gpgcheck=0\n`);
    expect(await text('signed.repo')).toContain(`repo_gpgcheck=1\ngpgkey=${files}/signed.asc\n`);
    expect(await text('signed.asc')).toBe('-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
    expect(await text('debian.sources')).toBe(`Types: deb\nURIs: ${files}/debian/\nSuites: trixie\nComponents: main contrib\nArchitectures: amd64\nSigned-By: /etc/apt/keyrings/debian.asc\n`);
  });

  it.each(['none.repo', 'fedora.asc', 'fedora.sources', 'fedora.exe', '.repo', 'fedora.repo/x'])('%s is 404', async (place) => {
    expect((await get(place)).status).toBe(404);
  });

  it('gives way to a repository of that very name', async () => {
    await create('fedora.repo', 'rpm');
    expect((await get('fedora.repo')).headers.get('location')).toBe('./fedora.repo/');
  });
});

it('is for readers where the settings say so', async () => {
  const yaml = 'authorization:\n  roles: {repositories: {reader: {users: [reader]}}}\n  reads: {repositories: reader}\n';
  gateway.repositories.publish('fedora', ['a-1.rpm']);
  const closed = await startTestGateway({ dependencies: { repositories: gateway.repositories.dependencies(), access: namedCallers(yaml) } });
  try {
    const status = async (headers: Record<string, string>): Promise<number> => (await fetch(`${closed.url}/repositories/fedora/packages/a-1.rpm`, { headers })).status;
    expect([await status({}), await status(named({ name: 'stranger' })), await status(named({ name: 'reader' }))]).toEqual([401, 403, 200]);
  } finally {
    await closed.close();
  }
});
