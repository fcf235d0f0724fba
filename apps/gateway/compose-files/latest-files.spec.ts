import { mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

const by = { by: 'ann' };
const repository = 'compose/Temporary/x86_64/os';
const digest = (letter: string): string => letter.repeat(64);
let root: string;
let composes: MemoryComposes;
let gateway: TestGateway;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'millrace-latest-'));
  const write = (name: string, content = name): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  };
  for (const id of [1, 2]) {
    write(`odcs-${id}/${repository}/repodata/repomd.xml`);
    write(`odcs-${id}/${repository}/repodata/${digest(String(id))}-primary.xml.gz`);
    write(`odcs-${id}/${repository}/Packages/b/bash-${id}-1.x86_64.rpm`);
    write(`odcs-${id}/${repository}/Packages/l/libstdc++ 1%?#.rpm`);
  }
  write('odcs-1/only-here.txt');
  write(`odcs-3/repodata/${digest('3')}-primary.xml.gz`);
  composes = new MemoryComposes();
  gateway = await startTestGateway({ dependencies: { composes: composes.dependencies() }, environment: { MILLRACE_COMPOSES: root, MILLRACE_COMPOSE_URL: 'https://farm.test/composes', MILLRACE_COMPOSE_NAME_GRACE: '600' } });
  for (let id = 1; id <= 4; id += 1) {
    await fetch(`${gateway.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"http://r.test/"},"arches":["x86_64","s390x"]}' });
    composes.set(id, { state: 'done', doneAt: '2026-11-21T12:00:00.000Z', pungiComposeId: `odcs-${id}-1-20261121.t.0`, queuePosition: null });
  }
  composes.set(4, { reusedId: 1 });
  for (const id of [3, 1, 2]) await composes.names.promote('nightly', id, { ...by, force: true });
  composes.set(3, { state: 'removed', removedAt: '2026-11-21T12:00:00.000Z' });
});
afterAll(async () => {
  await gateway.close();
  rmSync(root, { recursive: true, force: true });
});

const get = (place: string, init: RequestInit = {}): Promise<Response> => fetch(`${gateway.url}/composes/latest${place}`, { redirect: 'manual', ...init });
const leads = async (place: string): Promise<unknown> => {
  const answer = await get(place);
  const location = answer.headers.get('location');
  return [answer.status, location === null ? null : new URL(location, answer.url).pathname, answer.headers.get('cache-control')];
};

describe('what a name points at', () => {
  it.each([
    [`/nightly/${repository}/repodata/repomd.xml`, `/composes/odcs-2/${repository}/repodata/repomd.xml`],
    [`/nightly/${repository}/Packages/b/bash-2-1.x86_64.rpm`, `/composes/odcs-2/${repository}/Packages/b/bash-2-1.x86_64.rpm`],
    [`/nightly/${repository}/Packages/l/libstdc++%201%25%3F%23.rpm`, `/composes/odcs-2/${repository}/Packages/l/libstdc%2B%2B%201%25%3F%23.rpm`],
    ['/nightly/compose/', '/composes/odcs-2/compose/'],
    ['/nightly/', '/composes/odcs-2/'],
    ['/nightly', '/composes/odcs-2/'],
  ])('%s leads to its place in the compose, for now', async (place, location) => {
    expect(await leads(place)).toEqual([307, location, 'no-store']);
    expect((await fetch(`${gateway.url}/composes/latest${place}`)).status).toBe(200);
  });

  it.each([
    [`/nightly/${repository}/repodata/${digest('1')}-primary.xml.gz`, `/composes/odcs-1/${repository}/repodata/${digest('1')}-primary.xml.gz`],
    [`/nightly/${repository}/Packages/b/bash-1-1.x86_64.rpm`, `/composes/odcs-1/${repository}/Packages/b/bash-1-1.x86_64.rpm`],
  ])('%s is that of the compose before: its reader has begun there', async (place, location) => {
    expect(await leads(place)).toEqual([307, location, 'no-store']);
  });

  it.each(['/nightly/only-here.txt', '/nightly/nowhere.rpm', '/nightly/../outside', '/nightly//x', '/nightly/.secret', '/none/', '/None/', '/none.repo', '/nightly.txt', '/nightly.repo/x', '/nightly.mirrors/ppc64le/os'])('%s is 404 and not to be kept', async (place) => {
    const answer = await get(place);
    expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([404, 'no-store', expect.stringMatching(/^404 Not Found/)]);
  });

  it('is not taken from a compose that is gone', async () => {
    expect(await leads(`/nightly/repodata/${digest('3')}-primary.xml.gz`)).toEqual([404, null, 'no-store']);
  });

  it('is in the directory of another compose where that has its files', async () => {
    await composes.names.promote('reused', 4, by);
    expect(await leads('/reused/only-here.txt')).toEqual([307, '/composes/odcs-4/only-here.txt', 'no-store']);
    expect(await (await fetch(`${gateway.url}/composes/latest/reused/only-here.txt`)).text()).toBe('odcs-1/only-here.txt');
  });

  it('moves at once', async () => {
    await composes.names.promote('moving', 1, by);
    expect(await leads('/moving/')).toEqual([307, '/composes/odcs-1/', 'no-store']);
    await composes.names.promote('moving', 2, by);
    expect(await leads('/moving/')).toEqual([307, '/composes/odcs-2/', 'no-store']);
  });
});

describe('beside a name', () => {
  it('is a .repo file that asks dnf to read one compose at a time', async () => {
    const answer = await get('/nightly.repo');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([200, 'text/plain; charset=utf-8', 'no-cache']);
    const text = await answer.text();
    const section = (name: string, place: string, enabled: number): string =>
      `[${name}]\nname=Newest compose ${name}\nbaseurl=https://farm.test/composes/latest/nightly/compose/Temporary/${place}\nmirrorlist=https://farm.test/composes/latest/nightly.mirrors/${place}\nmetadata_expire=300\ntype=rpm-md\nskip_if_unavailable=False\ngpgcheck=0\nrepo_gpgcheck=0\nenabled=${enabled}\nenabled_metadata=1\n`;
    expect(text).toBe([section('nightly', '$basearch/os', 1), section('nightly-debuginfo', '$basearch/debug/tree', 0), section('nightly-source', 'source/tree', 0)].join('\n'));
    expect((await get('/nightly.repo', { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })).status).toBe(304);
  });

  it('are the addresses of its repositories in the compose', async () => {
    for (const place of ['x86_64/os', 's390x/debug/tree', 'source/tree']) {
      expect(await (await get(`/nightly.mirrors/${place}`)).text()).toBe(`https://farm.test/composes/odcs-2/compose/Temporary/${place}/\n`);
    }
  });

  it('is a document for programs', async () => {
    const answer = await get('/nightly.json');
    expect([answer.headers.get('content-type'), await answer.json()]).toEqual(['application/json; charset=utf-8', { name: 'nightly', compose_id: 2, since: expect.any(String), time_done: '2026-11-21T12:00:00.000Z', pungi_compose_id: 'odcs-2-1-20261121.t.0', url: 'https://farm.test/composes/odcs-2/' }]);
  });

  it('is no .repo file for a compose with a layout of its own', async () => {
    const { request } = composes.held.get(1) ?? (() => { throw new Error('no compose'); })();
    composes.set(1, { request: { ...request, sourceType: 'raw_config' } });
    await composes.names.promote('raw', 1, by);
    expect([(await get('/raw.repo')).status, (await get('/raw.mirrors/x86_64/os')).status, (await get('/raw.json')).status]).toEqual([404, 404, 200]);
    composes.set(1, { request });
  });

  it('has the word for another kind of list in no address that dnf reads', async () => {
    await composes.names.promote('metalink-test', 1, by);
    const text = await (await get('/metalink-test.repo')).text();
    expect([/^baseurl=/m.test(text), /^mirrorlist=/m.test(text)]).toEqual([true, false]);
  });
});

describe('/composes/latest', () => {
  it('is a page of all names', async () => {
    expect((await fetch(`${gateway.url}/composes/latest`, { redirect: 'manual' })).headers.get('location')).toBe('./latest/');
    const answer = await get('/');
    const text = await answer.text();
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control'), answer.headers.get('content-security-policy')]).toEqual([200, 'text/html; charset=utf-8', 'no-cache', expect.stringContaining("default-src 'none'")]);
    expect(text).toContain('<a href="./nightly/">nightly</a>: <a href="../odcs-2/">odcs-2</a> since 20');
    expect(text).toContain('<a href="./nightly.repo">');
  });

  it('is served by the links in the directory while the record is away', async () => {
    mkdirSync(path.join(root, 'latest'), { recursive: true });
    symlinkSync('../odcs-1', path.join(root, 'latest/nightly'));
    symlinkSync('/etc', path.join(root, 'latest/evil'));
    expect(readlinkSync(path.join(root, 'latest/nightly'))).toBe('../odcs-1');
    const away = (): Promise<never> => Promise.reject(new MillraceError('database-unavailable', 'away'));
    const memory = composes.dependencies();
    const other = await startTestGateway({ dependencies: { composes: { ...memory, reads: { ...memory.reads, get: away }, names: { ...composes.names, get: away, history: away, list: away } as unknown as typeof memory.names } }, environment: { MILLRACE_COMPOSES: root } });
    try {
      expect(await (await fetch(`${other.url}/composes/latest/nightly/only-here.txt`)).text()).toBe('odcs-1/only-here.txt');
      for (const place of ['evil/passwd', 'none/x']) expect((await fetch(`${other.url}/composes/latest/${place}`)).status).toBe(503);
    } finally {
      await other.close();
    }
  });
});
