import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ComposeFlag } from '../compose/compose-vocabulary.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { startFakePulp2, type FakePulp2 } from '../testing/fake-pulp-2.js';
import { startFakePulp3, type FakePulp3 } from '../testing/fake-pulp-3.js';
import { writeTestCertificates, type TestCertificates } from '../testing/test-certificates.js';
import { openPulpSource, type PulpSource } from './pulp-source.js';
import type { SettledLinks } from './settle-links.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-pulp-'));
const engine = { composeSourcePaths: [], composeAllowDestinations: ['127.0.0.0/8', '::1/128'], forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
const login = 'millrace:sesame';
let certificates: TestCertificates;
let pulp2: FakePulp2;
let pulp3: FakePulp3;

beforeAll(async () => {
  certificates = writeTestCertificates(directory);
  pulp2 = await startFakePulp2({ directory, login });
  pulp3 = await startFakePulp3({ directory, login });
  for (const arch of ['x86_64', 'aarch64']) {
    const notes = { content_set: 'baseos-rpms', relative_url: `content/dist/baseos/${arch}/os`, arch, signatures: 'fd431d51,199e2f91', include_in_download_service: 'True' };
    pulp2.addRepository(`baseos-${arch}`, notes);
    pulp2.addRepository(`baseos-beta-${arch}`, { ...notes, relative_url: `content/beta/baseos/${arch}/os`, include_in_download_service: 'False' });
    const labels = { content_set: 'baseos-rpms', arch, signatures: 'fd431d51 199e2f91' };
    pulp3.addRepository(`baseos-${arch}`, { labels });
    pulp3.addRepository(`baseos-beta-${arch}`, { labels, published: false });
    pulp3.addDistribution(`baseos-${arch}`, { basePath: `content/dist/baseos/${arch}/os`, labels, repository: `baseos-${arch}` });
    pulp3.addDistribution(`baseos-beta-${arch}`, { basePath: `content/beta/baseos/${arch}/os`, labels, repository: `baseos-beta-${arch}` });
  }
  pulp2.addRepository('tools', { content_set: 'tools-rpms', relative_url: 'content/tools', arch: 'x86_64', signatures: '', include_in_download_service: 'True' });
  pulp3.addRepository('tools');
  pulp3.addDistribution('tools', { basePath: 'content/tools', repository: 'tools' });
  pulp3.addDistribution('serves nothing', { basePath: 'nothing' });
});
beforeEach(() => {
  for (const pulp of [pulp2, pulp3]) pulp.instead = undefined;
});
afterAll(async () => {
  await pulp2[Symbol.asyncDispose]();
  await pulp3[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function open(settings: object, limits: Partial<typeof sourceLimits> = {}): Promise<PulpSource> {
  const file = path.join(directory, 'pulp.yaml');
  writeFileSync(file, JSON.stringify(settings));
  return openPulpSource({ file, environment: { PULP_PASSWORD: 'sesame' }, connect: (tls) => createSourceClient({ settings: engine, version: '1.2.3', limits: { ...sourceLimits, ...limits, redirects: 0 }, tls }) });
}

const account = { username: 'millrace', password: { env: 'PULP_PASSWORD' } };
const settings2 = () => ({ version: 2, url: pulp2.url, ...account });
const settings3 = (change: object = {}) => ({ version: 3, url: pulp3.url, ...account, ...change });

async function pin(settings: object, source: readonly string[], flags: readonly ComposeFlag[] = []): Promise<SettledLinks> {
  return (await open(settings)).pin({ source, flags, arches: ['s390x'], sigkeys: ['0123abcd'] }, { signal: new AbortController().signal });
}

async function failure(promise: Promise<unknown>): Promise<MillraceError> {
  const outcome = await promise.then(() => undefined, (error: unknown) => error as MillraceError);
  if (outcome === undefined) throw new Error('it did not fail');
  return outcome;
}

describe.each([
  ['2', () => settings2(), () => `${pulp2.url}/content`, ''],
  ['3', () => settings3(), () => `${pulp3.url}/pulp/content/content`, '/'],
] as const)('Pulp %s', (version, settings, content, end) => {
  const ids = ({ links }: SettledLinks): string[] => links.map(({ id }) => id);

  it('gives the published repositories of content sets, and tells their architectures and keys', async () => {
    expect(await pin(settings(), ['baseos-rpms'])).toEqual({
      source: ['baseos-rpms'],
      arches: ['aarch64', 'x86_64'],
      sigkeys: ['199e2f91', 'fd431d51'],
      links: ['aarch64', 'x86_64'].map((arch) => ({ id: `baseos-${arch}`, name: `baseos-${arch}`, url: `${content()}/dist/baseos/${arch}/os${end}`, arches: [arch], skipIfUnavailable: false })),
    });
  });

  it('gives repositories by their own names, each once', async () => {
    const settled = await pin(settings(), ['tools', 'baseos-x86_64', 'baseos-rpms']);
    expect(ids(settled)).toEqual(['baseos-aarch64', 'baseos-x86_64', 'tools']);
    expect(settled.source).toEqual(['tools', 'baseos-x86_64', 'baseos-rpms']);
  });

  it('gives what is not published where that is asked for', async () => {
    expect(ids(await pin(settings(), ['baseos-rpms'], ['include_unpublished_pulp_repos']))).toEqual(['baseos-aarch64', 'baseos-beta-aarch64', 'baseos-beta-x86_64', 'baseos-x86_64']);
    expect(ids(await pin(settings(), ['baseos-beta-x86_64'], ['include_unpublished_pulp_repos']))).toEqual(['baseos-beta-x86_64']);
  });

  it('names all that is absent, and does without it where that is asked for', async () => {
    const source = ['nope', 'tools', 'nor,this', '..', 'baseos-beta-x86_64'];
    expect(await failure(pin(settings(), source))).toMatchObject({ code: 'unresolvable', message: expect.stringMatching(/^the Pulp server \S+ has no content set or repository nope, nor,this, \.\. and has published nothing of baseos-beta-x86_64$/) });
    expect(await pin(settings(), [...source, 'baseos-x86_64'], ['ignore_absent_pulp_repos'])).toMatchObject({ source: ['baseos-x86_64', 'tools'], links: [{ id: 'baseos-x86_64' }, { id: 'tools' }] });
    expect(await pin(settings(), ['nope'], ['ignore_absent_pulp_repos'])).toEqual({ source: [], arches: ['s390x'], sigkeys: ['0123abcd'], links: [] });
  });

  it('writes the architecture as a variable where clients shall take their own', async () => {
    const { links } = await pin(settings(), ['baseos-rpms'], ['use_only_compatible_arch']);
    expect(links).toMatchObject(Array.from({ length: 2 }, () => ({ url: `${content()}/dist/baseos/$basearch/os${end}`, skipIfUnavailable: true })));
  });

  const pulp = () => (version === '2' ? pulp2 : pulp3);
  const send = (status: number, body: string, headers: Record<string, string> = {}) => (_: IncomingMessage, response: ServerResponse) => void response.writeHead(status, headers).end(body);

  it.each<[string, string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['HTML', 'source-invalid', 'with what is no JSON', send(200, '<html>Hello</html>')],
    ['another shape', 'source-invalid', 'with something else than Pulp does', send(200, '{"count":-1,"results":[{}]}')],
    ['400', 'source-invalid', 'with HTTP 400: no such filter', send(400, '{"error_message":"no such\\nfilter","detail":"x"}')],
    ['a redirect', 'source-invalid', 'with HTTP 302, to http://elsewhere.example/', send(302, '', { location: 'http://elsewhere.example/' })],
    ['503', 'source-unavailable', 'with HTTP 503', send(503, '<html>')],
    ['nothing', 'source-unavailable', 'has sent nothing worth mentioning', () => undefined],
    ['a broken connection', 'source-unavailable', 'cannot read', (request) => void request.socket.destroy()],
  ])('that answers %s: %s', async (_name, code, message, instead) => {
    pulp().instead = instead;
    const source = await open(settings(), { progressTime: 200 });
    const error = await failure(source.pin({ source: ['tools'], flags: [], arches: ['x86_64'], sigkeys: [] }, { signal: new AbortController().signal }));
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(JSON.stringify([error.message, error.cause])).not.toContain('sesame');
  });

  it('that has no end is left, and so is one when the work is stopped', async () => {
    pulp().instead = (_, response) => {
      response.writeHead(200);
      const more = (): void => void (response.write(' '.repeat(1024 ** 2)) ? setImmediate(more) : response.once('drain', more));
      more();
    };
    expect(await failure(pin(settings(), ['tools']))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('with more than 33554432 bytes') });
    const stop = new AbortController();
    pulp().instead = () => stop.abort(new Error('stopped'));
    await expect((await open(settings())).pin({ source: ['tools'], flags: [], arches: [], sigkeys: [] }, { signal: stop.signal })).rejects.toThrow('stopped');
  });

  it('that refuses the login says so', async () => {
    writeFileSync(path.join(directory, 'password'), 'wrong\n');
    expect(await failure(pin({ ...settings(), password: { file: path.join(directory, 'password') } }, ['tools']))).toMatchObject({ code: 'source-invalid', message: expect.stringMatching(/with HTTP 401: Authentication/), suggestion: expect.stringContaining('MILLRACE_PULP') });
  });

  it('at an address that is not allowed is not asked', async () => {
    const file = path.join(directory, 'guarded.yaml');
    writeFileSync(file, JSON.stringify(settings()));
    const guarded = await openPulpSource({ file, environment: { PULP_PASSWORD: 'sesame' }, connect: (tls) => createSourceClient({ settings: { ...engine, composeAllowDestinations: [] }, version: '1.2.3', limits: { ...sourceLimits, redirects: 0 }, tls }) });
    expect(await failure(guarded.pin({ source: ['tools'], flags: [], arches: [], sigkeys: [] }, { signal: new AbortController().signal }))).toMatchObject({ code: 'forbidden' });
  });

  it('knows clients by their certificates', async () => {
    const start = version === '2' ? startFakePulp2 : startFakePulp3;
    await using secure = await start({ directory, login: certificates });
    if ('addDistribution' in secure) {
      secure.addRepository('tools');
      secure.addDistribution('tools', { basePath: 'content/tools', repository: 'tools' });
    } else secure.addRepository('tools', { relative_url: 'content/tools', include_in_download_service: 'True' });
    const tls = { 'ca-file': certificates.authority };
    const own = { 'certificate-file': certificates.client.certificate, 'key-file': certificates.client.key };
    const known = { version: Number(version), url: secure.url, tls: { ...tls, ...own } };
    expect((await pin(known, ['tools'])).links).toMatchObject([{ id: 'tools' }]);
    expect(await failure(pin({ ...known, tls }, ['tools']))).toMatchObject({ code: 'source-unavailable' });
    expect(await failure(pin({ ...known, tls: own }, ['tools']))).toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('authority that is not trusted') });
    expect(await failure(pin({ ...known, tls: { ...known.tls, 'server-name': 'elsewhere.example' } }, ['tools']))).toMatchObject({ message: expect.stringContaining('its certificate is for another host') });
    expect((await pin({ ...known, url: secure.url.replace('localhost', '127.0.0.1'), tls: { ...known.tls, 'server-name': 'localhost' } }, ['tools'])).links).toMatchObject([{ id: 'tools' }]);
  });
});

describe('Pulp 3', () => {
  it('is read page by page, whatever address it names for the next', async () => {
    await using large = await startFakePulp3({ directory, login });
    large.addRepository('all');
    for (let number = 0; number < 250; number += 1) large.addDistribution(`part-${number}`, { basePath: `parts/${number}`, labels: { content_set: 'many' }, repository: 'all' });
    expect((await pin(settings3({ url: large.url }), ['many'])).links).toHaveLength(250);
    for (let number = 250; number < 1001; number += 1) large.addDistribution(`part-${number}`, { basePath: `parts/${number}`, labels: { content_set: 'many' }, repository: 'all' });
    expect(await failure(pin(settings3({ url: large.url }), ['many']))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 1000 distributions') });
  });

  it('may have its labels on repositories, in a domain', async () => {
    await using other = await startFakePulp3({ directory, login, domain: 'factory' });
    for (const arch of ['x86_64', 'aarch64']) {
      other.addRepository(`os ${arch}`, { labels: { set: 'os', machine: arch } });
      other.addDistribution(`os ${arch}`, { basePath: arch, repository: `os ${arch}` });
    }
    other.addRepository('never served', { labels: { set: 'hidden' } });
    const settings = settings3({ url: other.url, domain: 'factory', 'labels-on': 'repositories', 'content-set-label': 'set', 'arch-label': 'machine', 'content-url': 'https://cdn.example/factory/' });
    const expected = ['aarch64', 'x86_64'].map((arch) => ({ id: `os_${arch}`, name: `os ${arch}`, url: `https://cdn.example/factory/${arch}/`, arches: [arch], skipIfUnavailable: false }));
    expect(await pin(settings, ['os'])).toEqual({ source: ['os'], arches: ['aarch64', 'x86_64'], sigkeys: [], links: expected });
    expect((await pin(settings, ['os x86_64'])).links).toEqual(expected.slice(1));
    expect(await failure(pin(settings, ['hidden']))).toMatchObject({ code: 'unresolvable' });
    expect(await failure(pin({ ...settings, domain: 'nope' }, ['os']))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('has no /pulp/nope/api/v3/') });
  });

  it('that says what no .repo file can say is not believed', async () => {
    await using other = await startFakePulp3({ directory, login });
    other.addDistribution('a]\n[b', { basePath: 'x' });
    other.addDistribution('a) (b', { basePath: '$releasever/y' });
    const { links } = await pin(settings3({ url: other.url }), ['a]\n[b', 'a) (b'], ['include_unpublished_pulp_repos']);
    expect(links.map(({ id, name }) => [id, name])).toEqual([['a___b', 'a) (b'], ['a___b-2', 'a] [b']].sort());
    expect(links.map(({ url }) => url)).toContain(`${other.url}/pulp/content/%24releasever/y/`);
    const row = { pulp_href: '/x/', name: 'x', base_path: 'x', pulp_labels: {} };
    for (const base of ['ftp://pulp.example/x', 'http://user:secret@pulp.example/x']) {
      other.instead = (_, response) => void response.end(JSON.stringify({ count: 1, results: [{ ...row, base_url: base }] }));
      expect(await failure(pin(settings3({ url: other.url }), ['x'], ['include_unpublished_pulp_repos']))).toMatchObject({ code: 'source-invalid' });
    }
  });
});

describe('the file of MILLRACE_PULP', () => {
  it.each<[string, object, string]>([
    ['an unknown version', { version: 4, url: 'https://pulp.example' }, 'version'],
    ['a login in the address', { version: 3, url: 'https://user:sesame@pulp.example' }, 'url: must not hold a user or a password'],
    ['half a login', { version: 3, url: 'https://pulp.example', username: 'millrace' }, 'username and password belong together'],
    ['a password', { version: 3, url: 'https://pulp.example', username: 'millrace', password: 'sesame' }, 'password: must be file'],
    ['certificates without TLS', { version: 2, url: 'http://pulp.example', tls: { 'ca-file': '/ca.pem' } }, 'tls needs an https URL'],
    ['keys of Pulp 3 for Pulp 2', { version: 2, url: 'https://pulp.example', domain: 'x' }, 'domain: unknown key'],
    ['a query', { version: 3, url: 'https://pulp.example/?x=1' }, 'url: must have neither'],
  ])('is refused with %s', async (_name, settings, message) => {
    const error = await failure(open(settings));
    expect(error).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(message) });
    expect(error.message).not.toContain('sesame');
  });

  it('is read anew for each compose', async () => {
    const source = await open(settings3());
    const request = { source: ['tools'], flags: [], arches: ['x86_64'], sigkeys: [] };
    expect((await source.pin(request, { signal: new AbortController().signal })).links).toHaveLength(1);
    await open(settings3({ 'content-url': 'https://cdn.example' }));
    expect((await source.pin(request, { signal: new AbortController().signal })).links).toMatchObject([{ url: 'https://cdn.example/content/tools/' }]);
  });
});
