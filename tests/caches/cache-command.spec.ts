import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { millrace } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import { startTestGateway } from '../../apps/gateway/__fixtures__/test-gateway.js';
import type { TestGateway } from '../../apps/gateway/__fixtures__/test-gateway.js';
import { errorTable } from '../../libs/errors/error-table.js';

let folder: string;
let gateway: TestGateway;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-cache-command-'));
  gateway = await startTestGateway();
});
beforeEach(() => {
  gateway.caches.calls.length = 0;
  gateway.caches.engine = 'works';
  gateway.caches.lostBlobs = 0;
});
afterAll(async () => {
  await gateway?.close();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (...parameters: readonly string[]) => millrace({ PATH: '', MILLRACE_SERVER: gateway.url, MILLRACE_CONTROL_AUTH: 'craft:craft' }, 'cache', ...parameters);
const content = 'an artifact';
const hash = createHash('sha256').update(content).digest('hex');
const file = (name: string, text = content): string => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};

describe('millrace cache put and get', () => {
  it('push a blob, and fetch it by its digest', async () => {
    expect(await cli('put', file('one'))).toEqual({ exitCode: 0, stdout: `sha256:${hash}/11\n`, stderr: '' });
    const out = path.join(folder, 'out');
    expect(await cli('get', out, '--digest', `sha256:${hash}`)).toEqual({ exitCode: 0, stdout: `${out}: 11 B\n`, stderr: '' });
    expect(readFileSync(out, 'utf8')).toBe(content);
  });

  it('push what a key leads to, and fetch that', async () => {
    const pushed = await cli('put', file('two', 'two'), '--kind', 'gradle', '--key', 'k/1', '--build', 'build 7', '--session', 's1', '--instance', 'team/one', '--json');
    expect([pushed.exitCode, JSON.parse(pushed.stdout)]).toEqual([0, expect.objectContaining({ kind: 'gradle', key: 'k/1', pushedBy: 'craft', origin: { build: 'build 7', session: 's1' } })]);
    const out = path.join(folder, 'out-two');
    expect((await cli('get', out, '--kind', 'gradle', '--key', 'k/1', '--instance', 'team/one')).exitCode).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe('two');
    expect((await cli('get', out, '--kind', 'gradle', '--key', 'k/1')).exitCode).toBe(errorTable['entry-not-found'].exit);
  });

  it('fetch what lies in the record itself', async () => {
    await fetch(`${gateway.url}/ac/${hash}`, { method: 'PUT', body: 'value', headers: { authorization: `Basic ${btoa('craft:craft')}` } });
    const out = path.join(folder, 'out-value');
    expect((await cli('get', out, '--kind', 'action', '--key', `sha256:${hash}/11`)).exitCode).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe('value');
  });

  it('leave no file when the content is not there, or is something else', async () => {
    const before = readdirSync(folder);
    expect(await cli('get', path.join(folder, 'none'), '--digest', `sha256:${'0'.repeat(64)}`, '--json')).toMatchObject({ exitCode: errorTable['blob-not-found'].exit, stderr: expect.stringContaining('blob-not-found') });
    gateway.caches.blobs.set(`main sha256:${'1'.repeat(64)}/5`, Buffer.from('other'));
    expect(await cli('get', path.join(folder, 'none'), '--digest', `sha256:${'1'.repeat(64)}`)).toMatchObject({ exitCode: errorTable['digest-mismatch'].exit });
    expect(readdirSync(folder)).toEqual(before);
  });

  it('say what is wrong before anything is sent', async () => {
    for (const parameters of [['get', 'out'], ['get', 'out', '--digest', `sha256:${hash}`, '--kind', 'gradle', '--key', 'k'], ['put', file('three'), '--kind', 'gradle'], ['put', '/nowhere'], ['put', folder], ['get', 'out', '--digest', 'abc'], ['ls', '--kind', 'maven'], ['rm'], ['evict', '--to', 'much']]) {
      expect([parameters, (await cli(...parameters)).exitCode]).toEqual([parameters, 64]);
    }
  });
});

describe('millrace cache stats and ls', () => {
  it('show how full instances are, and what upkeep does', async () => {
    expect((await cli('stats')).stdout).toMatch(/main[^]*team\/one/);
    const one = await cli('stats', 'main');
    expect(one.stdout).toMatch(/^instance  main\nsize .*\nquota     1000 B, evicted down to 800 B; pushes end at 1.1 KiB\nkept      3600 s after use\nupkeep    waiting\n$/);
    gateway.caches.engine = 'away';
    expect((await cli('stats', 'main')).stdout).toContain('upkeep    does not answer');
    expect(JSON.parse((await cli('stats', 'main', '--json')).stdout)).toMatchObject({ name: 'main', status: null });
    expect((await cli('stats', 'nowhere')).exitCode).toBe(64);
  });

  it('list entries by kind and prefix, in pages', async () => {
    for (const key of ['p/1', 'p/2', 'q/1']) await cli('put', file('listed'), '--kind', 'ccache', '--key', key);
    const first = await cli('ls', '--kind', 'ccache', '--prefix', 'p/', '--limit', '1');
    expect(first.stdout).toMatch(/p\/1[^]*\nMore: --cursor p\/1\n$/);
    const next = await cli('ls', '--kind', 'ccache', '--prefix', 'p/', '--cursor', 'p/1');
    expect(next.stdout).toContain('p/2');
    expect(next.stdout).not.toMatch(/p\/1|q\/1|More/);
    expect((await cli('ls', '--kind', 'sccache')).stdout).toBe('No entries.\n');
  });
});

describe('millrace cache why and rm', () => {
  it('tell who pushed an entry, whatever its kind is', async () => {
    await cli('put', file('why'), '--kind', 'turborepo', '--key', 'team/why', '--build', 'build 9');
    expect((await cli('why', 'team/why')).stdout).toBe('turborepo team/why: in the cache\n  2026-11-21T20:00:00.000Z  pushed by craft (build build 9)\n');
    await cli('put', file('why'), '--kind', 'ccache', '--key', 'team/why');
    expect(await cli('why', 'team/why')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('several kinds') });
    expect((await cli('rm', '--kind', 'ccache', '--key', 'team/why')).stdout).toBe('The entry is removed. Its blobs go when nothing needs them.\n');
    expect((await cli('why', 'team/why')).exitCode).toBe(0);
    expect((await cli('rm', '--kind', 'ccache', '--key', 'team/why')).exitCode).toBe(errorTable['entry-not-found'].exit);
    expect((await cli('why', 'nothing')).stderr).toContain('--kind');
  });

  it('know assets by their qualifiers, too', async () => {
    await cli('put', file('asset'), '--kind', 'blob', '--key', 'urn:x', '--qualifiers', '{"a":"b"}');
    expect([(await cli('why', 'urn:x', '--qualifiers', '{"a":"b"}')).exitCode, (await cli('why', 'urn:x')).exitCode, (await cli('why', 'urn:x', '--qualifiers', '[1]')).exitCode]).toEqual([0, errorTable['entry-not-found'].exit, 64]);
  });
});

describe('millrace cache evict, verify, pause and resume', () => {
  it('ask the workflow', async () => {
    expect((await cli('evict', '--dry-run', '--to', '5 GiB')).stdout).toBe('1 entries and 2 blobs would be evicted: 3 B.\n');
    expect((await cli('evict', '--instance', 'team/one')).stdout).toBe('1 entries and 2 blobs were evicted: 3 B.\n');
    expect((await cli('verify')).stdout).toBe('2 blobs were read. All are what they should be.\n');
    expect([(await cli('pause')).stdout, (await cli('resume', '--json')).stdout]).toEqual(['Eviction is paused: pushes are refused when the cache is at its limit.\n', '{"instance":"main","paused":false}\n']);
    expect(gateway.caches.calls).toEqual([
      { method: 'evict', options: { instance: 'main', dryRun: true, by: 'craft', toBytes: 5 * 1024 ** 3 } },
      { method: 'evict', options: { instance: 'team/one', dryRun: false, by: 'craft' } },
      { method: 'verify', options: { instance: 'main', by: 'craft' } },
      { method: 'pause', options: { instance: 'main', by: 'craft' } },
      { method: 'resume', options: { instance: 'main', by: 'craft' } },
    ]);
  });

  it('end with 65 when blobs are lost, and with 69 when the workflow does not answer', async () => {
    gateway.caches.lostBlobs = 1;
    expect(await cli('verify')).toEqual({ exitCode: 65, stdout: '2 blobs were read. 1 were lost or had other bytes; they are misses now.\n', stderr: '' });
    gateway.caches.engine = 'away';
    expect((await cli('evict')).exitCode).toBe(errorTable['workflow-engine-unavailable'].exit);
  });
});
