import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { sha256 } from './file-digest.js';
import { bodyOf, startOrigin } from './loopback-origin.js';
import type { LoopbackOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom, summaries } from './session-report.js';

const text = Buffer.from('0123456789'.repeat(1000));
const etag = '"digits"';

describeClient('curl', ({ service, directory }) => {
  let origin: LoopbackOrigin;
  let plain: LoopbackOrigin;
  beforeAll(async () => {
    origin = await startOrigin(service(), 'https', (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'https://origin.test');
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      if (pathname === '/moved') response.writeHead(302, { location: '/digits.txt?token=hunter2secret' }).end('over there');
      else if (pathname === '/missing') response.writeHead(404).end('no such file');
      else if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
      else if (range !== null) response.writeHead(206, { 'content-range': `bytes ${range[1]}-${range[2]}/${text.length}` }).end(text.subarray(Number(range[1]), Number(range[2]) + 1));
      else if (request.method === 'POST') void bodyOf(request).then((body) => response.end(`received ${sha256(body)}`));
      else response.writeHead(200, { 'content-type': 'text/plain', 'content-length': text.length, etag, 'set-cookie': 'sid=hunter2secret' }).end(request.method === 'HEAD' ? undefined : text);
    });
    plain = await startOrigin(service(), 'http', (_request, response) => response.end('plain'));
  });
  afterAll(async () => {
    await origin?.close();
    await plain?.close();
  });
  const curl = (...parameters: string[]): string[] => ['curl', '--silent', '--show-error', ...parameters];

  it('downloads a part: 206 stands under other-responses with the digest of the part', async () => {
    const { report, stdout } = await runInSession(service(), { directory: directory(), command: curl('--range', '10-29', `${origin.url}/digits.txt`) });
    expect(stdout).toBe('01234567890123456789');
    expect(report.artifacts).toEqual([]);
    expect(report['other-responses']).toMatchObject([{ method: 'GET', url: `${origin.url}/digits.txt`, 'status-code': 206, sha256: sha256(stdout), size: 20 }]);
  });

  it('follows a redirect, asks for a head, revalidates and misses: each stands under its status, without credentials', async () => {
    const build = directory();
    const urls = [`--location`, `${origin.url}/moved`, '--output', 'moved.txt', '--next', '--head', `${origin.url}/digits.txt`, '--output', 'head.txt', '--next', '--header', `If-None-Match: ${etag}`, '--user', 'mill:hunter2secret', `${origin.url}/digits.txt`, '--next', `${origin.url}/missing`];
    const { report } = await runInSession(service(), { directory: build, command: curl(...urls) });
    expect(readFileSync(path.join(build, 'moved.txt'))).toEqual(text);
    expect(report['other-responses'].map((response) => [response.method, new URL(response.url).pathname, response['status-code'], response.size])).toEqual([
      ['GET', '/moved', 302, 10],
      ['HEAD', '/digits.txt', 200, 0],
      ['GET', '/digits.txt', 304, 0],
      ['GET', '/missing', 404, 12],
    ]);
    expect(summaries(report)).toEqual(['text/plain Rejected']);
    expect(report.artifacts[0]).toMatchObject({ metadata: { sha256: sha256(text), size: text.length }, downloads: [{ url: `${origin.url}/digits.txt?token=redacted` }] });
    expect(report['other-responses'][2]?.['request-header']['Authorization']).toEqual(['[redacted]']);
    expect(report.artifacts[0]?.downloads[0]?.['response-header']['Set-Cookie']).toEqual(['[redacted]']);
    expect(JSON.stringify(report)).not.toMatch(/hunter2secret|bWlsbDpodW50ZXIyc2VjcmV0/);
  });

  it('posts a body: its digest stands with the request', async () => {
    const body = 'posted '.repeat(100);
    const { report, stdout } = await runInSession(service(), { directory: directory(), command: curl('--data-binary', body, `${origin.url}/upload`) });
    expect(stdout).toBe(`received ${sha256(body)}`);
    expect(artefactsFrom(report, '/upload')).toMatchObject([{ metadata: { sha256: sha256(stdout) }, downloads: [{ method: 'POST', 'request-body': { sha256: sha256(body), size: body.length } }] }]);
  });

  it('downloads by plain HTTP', async () => {
    const { report, stdout } = await runInSession(service(), { directory: directory(), command: curl(`${plain.url}/plain.txt`) });
    expect(stdout).toBe('plain');
    expect(artefactsFrom(report, `${plain.url}/plain.txt`)).toMatchObject([{ metadata: { sha256: sha256('plain') } }]);
  });

  it('reaches no metadata service, not this machine and not the service itself', async () => {
    const { control, proxy, temporal } = service().addresses;
    const here = new URL(plain.url).port;
    const own = [control, proxy, `http://${temporal}`].map((address) => new URL(address).port);
    const targets: readonly (readonly [string, string])[] = [
      ['http://169.254.169.254/latest/meta-data/', 'the metadata service'],
      ['https://169.254.169.254/latest/', 'the metadata service'],
      [`http://127.0.0.1:${here}/`, 'loopback'],
      [`http://localhost:${here}/`, 'loopback'],
      [`http://[::1]:${here}/`, 'loopback'],
      ...own.map((port) => [`http://127.0.0.2:${port}/`, 'belongs to Millrace itself'] as const),
    ];
    const { report, stdout } = await runInSession(service(), {
      directory: directory(),
      command: curl('--write-out', '%{http_code}\\n', '--output', '/dev/null', ...targets.flatMap(([url], index) => (index === 0 ? [url] : ['--output', '/dev/null', url]))),
    });
    expect(stdout.trim().split('\n')).toEqual(targets.map(() => '403'));
    expect(report['refused-requests']).toEqual(targets.map(([, reason]) => expect.objectContaining({ rule: 'destination', 'status-code': 403, reason: expect.stringContaining(reason) })));
    expect(plain.requests).not.toContain('GET /');
    expect(report.artifacts).toEqual([]);
  });

  it('gets no WebSocket: the upgrade is refused with a reason and never reaches the origin', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: bWlsbHJhY2VtaWxscmFjZQ=='].flatMap((field) => ['--header', field]);
    const { report, stdout } = await runInSession(service(), { directory: directory(), command: curl('--http1.1', '--write-out', '%{http_code}', ...upgrade, `${origin.url}/socket`) });
    expect(stdout).toMatch(/upgrades \(websocket\).*501$/s);
    expect(report['refused-requests']).toMatchObject([{ url: `${origin.url}/socket`, rule: 'upgrade', 'status-code': 501 }]);
    expect(origin.requests).not.toContain('GET /socket');
  });

  it('is told why an origin gave nothing: not resolved, not listening, not trusted, no HTTP', async () => {
    const targets = ['http://nowhere.invalid/', 'http://127.0.0.2:1/', `https://127.0.0.2:${new URL(plain.url).port}/`, 'ftp://127.0.0.2/x'];
    const { report, stdout } = await runInSession(service(), { directory: directory(), command: curl('--write-out', '%{http_code}\\n', ...targets) });
    expect(stdout.match(/^\d{3}$/gm)).toEqual(['502', '502', '502', '400']);
    expect(report['refused-requests']).toMatchObject([{ rule: 'unresolved', 'status-code': 502 }, { rule: 'malformed', 'status-code': 400 }]);
    expect(report['failed-downloads']).toMatchObject([{ stage: 'connect', reason: expect.stringContaining('connection refused') }, { stage: 'tls' }]);
  });

  it('runs in two sessions at once, each of which records its own traffic only', async () => {
    const urls = (name: string): string[] => Array.from({ length: 30 }, (_, index) => `${plain.url}/${name}/${index}`);
    const names = ['alpha', 'beta'];
    const runs = await Promise.all(names.map((name) => runInSession(service(), { directory: directory(), command: curl('--parallel', ...urls(name).flatMap((url) => ['--output', '/dev/null', url])) })));
    expect(runs[0]?.report['session-id']).not.toBe(runs[1]?.report['session-id']);
    for (const [index, name] of names.entries()) {
      const requested = runs[index]?.report.artifacts.flatMap((artefact) => artefact.downloads.map(({ url }) => url)) ?? [];
      expect(requested.sort()).toEqual(urls(name).sort());
    }
  });
});
