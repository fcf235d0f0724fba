import { afterEach, describe, expect, it } from '@jest/globals';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { policyOf } from '../../policy/__fixtures__/policies.js';
import type { ArtefactDownloaded } from '../../session/session-events.js';
import { basicField, startHarness, startOrigin, talk, type HarnessOptions } from './__fixtures__/relay-harness.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Like a registry's: an index declares one word, a file is in order when it is that word. */
function exampleInspector(overrides: Partial<Inspector> = {}): Inspector {
  return {
    id: 'example.registry',
    inspectRequest: (request) => (/^\/(?:index|file)/.test(request.path) ? { opinion: 'Pending', reason: 'known path' } : undefined),
    async inspectResponse(request, _response, body, { knowledge, consult }) {
      const text = (await body.read(1024)).toString();
      if (request.path.startsWith('/index')) {
        await knowledge.put('word', text);
        return { opinion: 'Approved', reason: 'an index' };
      }
      if ((await knowledge.get('word')) === undefined) await consult?.(`${request.origin}/index`, { accept: 'text/x-index' });
      const word = await knowledge.get('word');
      if (word === undefined) return { opinion: 'Unknown', reason: 'nothing declares it' };
      return word === text ? { opinion: 'Approved', reason: 'as declared' } : { opinion: 'Rejected', reason: 'not as declared' };
    },
    ...overrides,
  };
}

async function scene(answers: Readonly<Record<string, string>>, options: HarnessOptions = {}) {
  const proxy = await startHarness({ policy: 'strict', inspectors: [exampleInspector()], ...options });
  const origin = await startOrigin((request, socket) => socket.write(answers[request.split(' ')[1] ?? ''] ?? 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'));
  closers.push(() => proxy.close(), () => origin.close());
  const fetch = (path: string, ...fields: string[]) =>
    talk(proxy.port, [`GET http://127.0.0.1:${origin.port}${path} HTTP/1.1`, 'Host: h', basicField, 'Connection: close', ...fields, '', ''].join('\r\n'));
  const downloads = () => proxy.events.filter((event): event is ArtefactDownloaded => event.type === 'ArtefactDownloaded').map(({ data }) => data);
  return { proxy, origin, fetch, downloads };
}

const ok = (body: string, ...fields: string[]) => `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
const movedTo = (location: string) => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 5\r\n\r\nmoved`;

describe('consulting', () => {
  it('fetches the index that a file needs, records it, and judges the file by it', async () => {
    const { fetch, origin, downloads } = await scene({ '/file': ok('word'), '/index': ok('word') });
    expect(await fetch('/file', 'Authorization: Bearer of-the-build')).toMatch(/word$/);
    const [consulted, file] = downloads();
    expect(consulted).toMatchObject({ verdict: 'Approved', request: { clientAddress: 'inspector', url: expect.stringMatching(/\/index$/) } });
    expect(file).toMatchObject({ verdict: 'Approved', delivered: true });
    // The registry may be private: the build's own credentials for it are used, and recorded as little as ever.
    const asked = origin.requests.find((request) => request.startsWith('GET /index'));
    expect(asked).toContain('Authorization: Bearer of-the-build');
    expect(asked).toContain('Accept: text/x-index');
    expect(JSON.stringify(downloads())).not.toContain('of-the-build');
  });

  it('refuses the file when the index says otherwise, when there is none, and when it is refused', async () => {
    const contradicted = await scene({ '/file': ok('word'), '/index': ok('other') });
    expect(await contradicted.fetch('/file')).toMatch(/^HTTP\/1\.1 403 .*not as declared/s);
    const missing = await scene({ '/file': ok('word') });
    expect(await missing.fetch('/file')).toMatch(/^HTTP\/1\.1 403 .*nothing declares it/s);
    expect(missing.downloads().map(({ response }) => response.status)).toEqual([404, 200]);
  });

  it('follows redirects, asks each URL once, and ends although every index needs another', async () => {
    const { fetch, origin } = await scene({ '/file': ok('word'), '/file2': ok('word'), '/index': movedTo('/index/2'), '/index/2': ok('word') });
    expect(await fetch('/file')).toMatch(/word$/);
    expect(await fetch('/file2')).toMatch(/word$/);
    expect(origin.requests.filter((request) => request.startsWith('GET /index '))).toHaveLength(1);
    const endless = exampleInspector({
      async inspectResponse(request, _response, _body, { consult }) {
        const outcome = await consult?.(`${request.url}x`);
        return { opinion: outcome === 'approved' ? 'Approved' : 'Unknown', reason: `consulted: ${outcome}` };
      },
    });
    const deep = await scene({ '/file': ok('a'), '/filex': ok('a'), '/filexx': ok('a'), '/filexxx': ok('a'), '/filexxxx': ok('a') }, { inspectors: [endless] });
    expect(await deep.fetch('/file')).toMatch(/403/);
    expect(deep.origin.requests).toHaveLength(4);
  });

  it('ends although the origin never does, and may be tried again', async () => {
    const { fetch, proxy } = await scene({ '/file': ok('word'), '/index': 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwo' }, { limits: { consultTimeout: 50 } });
    expect(await fetch('/file')).toMatch(/^HTTP\/1\.1 403 .*nothing declares it/s);
    expect(proxy.events[0]).toMatchObject({ type: 'DownloadFailed', data: { stage: 'client', reason: 'what an inspector asked for did not arrive in time', receivedBytes: 2 } });
    await fetch('/file');
    expect(proxy.events.filter(({ type }) => type === 'DownloadFailed')).toHaveLength(2);
  });

  it('cannot lead where the session may not go', async () => {
    const inspector = exampleInspector({
      async inspectResponse(_request, _response, _body, { consult }) {
        const outcomes: unknown[] = [];
        for (const url of ['http://169.254.169.254/index', 'file:///etc/passwd', `https://127.0.0.1/${'x'.repeat(16_366)}`]) outcomes.push(await consult?.(url));
        return { opinion: 'Unknown', reason: outcomes.join(' ') };
      },
    });
    const { fetch, proxy } = await scene({ '/file': ok('a') }, { inspectors: [inspector] });
    expect(await fetch('/file')).toMatch(/refused unreachable unreachable/);
    expect(proxy.events[0]).toMatchObject({ type: 'RequestRefused', data: { status: 403 } });
  });
});

describe('redirects', () => {
  const somewhere = { '/index': ok('word'), '/file': movedTo('/objects/1?signature=2'), '/objects/1?signature=2': ok('word') };

  it.each(['strict', 'permissive'] as const)('are judged as what they led from under %s, and the record says so', async (policy) => {
    const { fetch, downloads } = await scene(somewhere, { policy });
    await fetch('/index');
    expect(await fetch('/file')).toMatch(policy === 'strict' ? /^HTTP\/1\.1 302 [^]*\r\n\r\n$/ : /moved$/);
    expect(await fetch('/objects/1?signature=2')).toMatch(/word$/);
    expect(downloads().at(-1)).toMatchObject({ verdict: 'Approved', request: { judgedAs: expect.stringMatching(/\/file$/) } });
  });

  it('do not open a way to what nobody recognises', async () => {
    const { fetch, origin } = await scene({ ...somewhere, '/other': movedTo('/objects/1?signature=2') });
    expect(await fetch('/other')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await fetch('/objects/1?signature=2')).toMatch(/^HTTP\/1\.1 403 /);
    expect(origin.requests).toEqual([]);
  });

  it('bring nothing in that is not as declared', async () => {
    const { fetch, downloads } = await scene({ ...somewhere, '/objects/1?signature=2': ok('evil') });
    await fetch('/index');
    await fetch('/file');
    expect(await fetch('/objects/1?signature=2')).toMatch(/^HTTP\/1\.1 403 .*not as declared/s);
    expect(downloads().at(-1)).toMatchObject({ verdict: 'Rejected', delivered: false });
  });

  it('lead to nothing that the policy denies to the ecosystem', async () => {
    const rules = (url: string) => policyOf({ service: `deny: [{ ecosystem: example, url: '${url}' }]` });
    const denied = await scene(somewhere, { rules: rules('**/objects/**') });
    for (const path of ['/index', '/file']) await denied.fetch(path);
    expect(await denied.fetch('/objects/1?signature=2')).toMatch(/^HTTP\/1\.1 403 .*policy: .*this is denied/s);
    expect(denied.proxy.events.at(-1)).toMatchObject({ type: 'RequestRefused', data: { request: { requestInspection: { policy: { opinion: 'Rejected' } } } } });
    const other = await scene(somewhere, { rules: rules('**/elsewhere/**') });
    for (const path of ['/index', '/file']) await other.fetch(path);
    expect(await other.fetch('/objects/1?signature=2')).toMatch(/word$/);
  });

  it('are followed over several steps', async () => {
    const { fetch } = await scene({ '/index': ok('word'), '/file': movedTo('/a'), '/a': movedTo('/b'), '/b': ok('word') });
    for (const path of ['/index', '/file', '/a']) await fetch(path);
    expect(await fetch('/b')).toMatch(/word$/);
  });

  it('to a URL that is recognised, but declared nowhere, are judged as what they led from', async () => {
    const byPath = exampleInspector({
      async inspectResponse(request, _response, body) {
        const declared = request.path === '/file/declared';
        return Promise.resolve(declared ? { opinion: 'Approved', reason: `${body.size} bytes` } : { opinion: 'Unknown', reason: 'declared nowhere' });
      },
    });
    const { fetch } = await scene({ '/file/declared': movedTo('/file/mirror'), '/file/mirror': ok('word') }, { inspectors: [byPath] });
    expect(await fetch('/file/mirror')).toMatch(/403/);
    await fetch('/file/declared');
    expect(await fetch('/file/mirror')).toMatch(/word$/);
  });
});

describe('the request body', () => {
  it('is there for inspectors when all of it has been sent', async () => {
    const seen: (InspectedRequest['body'] | string)[] = [];
    const inspector = exampleInspector({
      inspectResponse(request) {
        seen.push(request.body?.toString());
        return Promise.resolve({ opinion: 'Approved', reason: 'asked rightly' });
      },
    });
    const { proxy, origin } = await scene({ '/file': ok('answer') }, { inspectors: [inspector] });
    const post = (body: string) => talk(proxy.port, [`POST http://127.0.0.1:${origin.port}/file HTTP/1.1`, 'Host: h', basicField, 'Connection: close', `Content-Length: ${body.length}`, '', body].join('\r\n'));
    expect(await post('want this')).toMatch(/answer$/);
    expect(await post('x'.repeat(1024 * 1024 + 1))).toMatch(/answer$/);
    expect(seen).toEqual(['want this', undefined]);
  });
});

describe('a replacement', () => {
  const hiding = exampleInspector({
    upstreamAccept: () => 'application/with-times',
    inspectResponse: (_request, _response, _body, { visibleUntil }) =>
      Promise.resolve({
        opinion: 'Approved',
        reason: 'an index',
        metadata: { type: 'application/x.example.index' },
        ...(visibleUntil?.('example', 'x') === undefined ? {} : { replacement: { bytes: Buffer.from('old only'), reason: '1 release hidden' } }),
      }),
  });
  const gzipped = ok('all of it', 'ETag: "1"', 'Content-Type: text/x-index');

  it.each(['strict', 'permissive'] as const)('is what the build gets under %s, and the record has both', async (policy) => {
    const { fetch, origin, downloads } = await scene({ '/index': gzipped }, { policy, inspectors: [hiding], rules: policyOf({ service: 'as-of: { at: 2020-01-01T00:00:00Z, ecosystems: [example] }' }) });
    const answer = await fetch('/index', 'Accept: text/plain');
    expect(answer).toMatch(/\r\nContent-Type: text\/x-index\r\nContent-Length: 8\r\n[^]*\r\n\r\nold only$/);
    expect(answer).not.toContain('ETag');
    expect(origin.requests[0]).toContain('Accept: application/with-times');
    expect(origin.requests[0]).not.toContain('text/plain');
    expect(downloads()).toMatchObject([{ verdict: 'Approved', body: { size: 9 }, replacement: { body: { size: 8 }, reason: '1 release hidden' } }]);
  });

  it('is not made, and nothing asked for, when nothing is hidden', async () => {
    const { fetch, origin, downloads } = await scene({ '/index': gzipped }, { inspectors: [hiding] });
    expect(await fetch('/index', 'Accept: text/plain')).toMatch(/ETag: "1"[^]*all of it$/);
    expect(origin.requests[0]).toContain('Accept: text/plain');
    expect(downloads()[0]).not.toHaveProperty('replacement');
  });
});
