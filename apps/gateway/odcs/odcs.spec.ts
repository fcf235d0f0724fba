import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { odcsAbout, odcsCompose, odcsComposeDetail, odcsComposeList, odcsDeleted, odcsError } from './odcs-schemas.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { MILLRACE_COMPOSE_SIGKEYS: 'ABCD0123' } });
});
afterAll(() => gateway.close());

interface Answered {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly headers: Headers;
}

async function call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>, headers: answer.headers };
}

const repo = { source: { type: 'repo', source: 'http://packages.test/repo' } };
async function create(body: object = repo): Promise<number> {
  const answer = await call('POST', '/api/1/composes/', body);
  expect({ status: answer.status, body: answer.json }).toMatchObject({ status: 200 });
  return answer.json['id'] as number;
}

describe('POST /api/1/composes/', () => {
  it('answers 200 and the compose as clients read it, and tells the workflow', async () => {
    const { status, json } = await call('POST', '/api/1/composes/', { ...repo, 'seconds-to-live': '3600', flags: ['no_deps', 'no_flags'], multilib_method: ['devel'], results: ['iso'], label: 'RC-1.0' });
    expect(status).toBe(200);
    const compose = odcsCompose.parse(json);
    expect(compose).toMatchObject({ owner: 'unknown', source_type: 3, source: 'http://packages.test/repo', state: 0, state_name: 'wait', flags: ['no_deps'], results: ['repository', 'iso'], multilib_method: 2, sigkeys: 'ABCD0123', arches: 'x86_64', packages: null, label: 'RC-1.0', compose_type: 'test', target_dir: 'default' });
    expect(Date.parse(compose.time_to_expire) - Date.parse(compose.time_submitted)).toBe(3_600_000);
    expect(gateway.composes.told).toContain(`start ${compose.id}`);
  });

  it.each(['', 'application/x-www-form-urlencoded', 'text/plain', 'application/json'])('reads JSON whatever its media type says (%s)', async (type) => {
    expect((await call('POST', '/api/1/composes', repo, type === '' ? {} : { 'content-type': type })).status).toBe(200);
  });

  it('keeps the order of sources and keys, and drops what is repeated', async () => {
    const { json } = await call('POST', '/api/1/composes/', { source: { type: 'repo', source: 'http://b.test/r http://a.test/r http://b.test/r', packages: ['zsh', 'bash', 'zsh', 'gtk2 gtk3'], sigkeys: ['FFFF0000', 'AAAA0000', ''] } });
    expect(json).toMatchObject({ source: 'http://b.test/r http://a.test/r', packages: 'zsh bash gtk2 gtk3', sigkeys: 'FFFF0000 AAAA0000 ' });
  });

  it('ignores fields that it does not know, and those that are in the wrong place, as ODCS does', async () => {
    const { json } = await call('POST', '/api/1/composes/', { ...repo, packages: ['bash'], source: { ...repo.source, arches: ['s390x'], future: 1 }, '': 'odd', future: ['x'] });
    expect(json).toMatchObject({ packages: null, arches: 'x86_64' });
  });

  it('bounds the time to live, and takes the default for 0', async () => {
    const life = async (body: object): Promise<number> => {
      const compose = odcsCompose.parse((await call('POST', '/api/1/composes/', { ...repo, ...body })).json);
      return (Date.parse(compose.time_to_expire) - Date.parse(compose.time_submitted)) / 1000;
    };
    expect([await life({ seconds_to_live: 999_999_999 }), await life({ seconds_to_live: 0 }), await life({})]).toEqual([259_200, 86_400, 86_400]);
  });

  it.each<[string, unknown, string]>([
    ['nothing', '', 'the body is empty'],
    ['what is no JSON', '{"source":', 'cannot be parsed'],
    ['a list', [], 'the body should be a JSON object'],
    ['a number', 7, 'the body should be a JSON object'],
    ['null', 'null', 'the body should be a JSON object'],
    ['no source', {}, 'source is missing'],
    ['a source that is a list', { source: [] }, 'source should be a JSON object'],
    ['a source that is a text', { source: 'repo' }, 'source should be a JSON object'],
    ['no type', { source: { source: 'x' } }, 'source.type is missing'],
    ['an unknown type', { source: { type: 'git', source: 'x' } }, 'Unknown source type "git"'],
    ['a name that every object has', { source: { type: 'constructor', source: 'x' } }, 'Unknown source type "constructor"'],
    ['no source for repo', { source: { type: 'repo' } }, 'No source provided for repo'],
    ['a text where a list belongs', { source: { ...repo.source, packages: 'bash' } }, 'source.packages should be a list'],
    ['a text as arches', { ...repo, arches: 'x86_64' }, 'arches should be a list'],
    ['numbers in a list', { ...repo, arches: [64] }, 'arches[0] should be a string'],
    ['null in a list', { source: { ...repo.source, sigkeys: [null] } }, 'source.sigkeys[0] should be a string'],
    ['null as a value', { ...repo, label: null }, 'label should be a string'],
    ['an object where none belongs', { ...repo, label: {} }, 'label should be a string'],
    ['an unknown field with an object', { ...repo, extra: {} }, "extra: only 'source' may hold an object"],
    ['an unknown flag', { ...repo, flags: ['no_depps'] }, 'Unknown flag "no_depps"'],
    ['an unknown result', { ...repo, results: ['dvd'] }, 'Unknown result "dvd"'],
    ['an unknown multilib method', { ...repo, multilib_method: ['kernel'] }, 'Unknown multilib method "kernel"'],
    ['an unknown target directory', { ...repo, target_dir: 'private' }, 'Unknown "target_dir" "private"'],
    ['a negative time to live', { ...repo, seconds_to_live: -1 }, 'seconds_to_live should be an integer'],
    ['a time to live in words', { ...repo, 'seconds-to-live': 'long' }, 'seconds-to-live should be a number'],
    ['a truth value as a time to live', { ...repo, seconds_to_live: true }, 'seconds_to_live should be an integer'],
    ['an event that is a text', { source: { ...repo.source, koji_event: '7' } }, 'source.koji_event should be an integer'],
    ['half of the module defaults', { source: { ...repo.source, module_defaults_url: 'http://g.test/x' } }, 'must be used together'],
    ['a line break in a label', { ...repo, label: 'a\nb' }, 'label holds a character'],
    ['a NUL in a package', { source: { ...repo.source, packages: ['a\0b'] } }, 'source.packages[0] holds a character'],
    ['half a surrogate pair', { source: { ...repo.source, packages: ['\ud800'] } }, 'source.packages[0] holds a character'],
    ['a password in a URL', { source: { type: 'repo', source: 'https://me:secret@packages.test/' } }, 'a user name or a password'],
    ['a module without a stream', { source: { type: 'module', source: 'nodejs' } }, 'Module definition must be'],
    ['two raw configurations', { source: { type: 'raw_config', source: 'a#1 b#2' } }, 'Only single source'],
    ['a raw configuration without a commit', { source: { type: 'raw_config', source: 'a' } }, 'source_name#commit_hash'],
  ])('refuses %s with a message that names it', async (_name, body, message) => {
    const held = gateway.composes.held.size;
    const answer = await call('POST', '/api/1/composes/', body);
    expect(odcsError.parse(answer.json)).toEqual({ status: 400, error: 'Bad Request', message: expect.stringContaining(message) });
    expect(answer.status).toBe(400);
    expect(answer.json['message']).not.toContain('secret');
    expect(gateway.composes.held.size).toBe(held);
  });

  it('answers the compose of then to a key that was used before', async () => {
    const headers = { 'idempotency-key': '3f0d2b1a' };
    const [first, second] = [await call('POST', '/api/1/composes/', repo, headers), await call('POST', '/api/1/composes/', repo, headers)];
    expect(second.json['id']).toBe(first.json['id']);
    expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([null, 'true']);
    expect((await call('POST', '/api/1/composes/', repo, { 'idempotency-key': 'x'.repeat(256) })).json['message']).toContain('Idempotency-Key');
  });
});

describe('GET /api/1/composes/', () => {
  it('pages, and says in meta where the others are', async () => {
    while (gateway.composes.held.size < 12) await create();
    const { json, headers } = await call('GET', '/api/1/composes/?owner=unknown&per_page=5&page=2&_anchor=x&unknown=1');
    const { items, meta } = odcsComposeList.parse(json);
    const at = (page: number): string => `${gateway.url}/api/1/composes/?page=${page}&per_page=5&owner=unknown&unknown=1`;
    const total = gateway.composes.held.size;
    expect(meta).toEqual({ page: 2, pages: Math.ceil(total / 5), per_page: 5, max_per_page: 100, total, first: at(1), last: at(Math.ceil(total / 5)), prev: at(1), next: at(3) });
    expect(items.map(({ id }) => id)).toEqual([5, 6, 7, 8, 9].map((place) => total - place));
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it.each([
    ['page=0&per_page=junk', { page: 1, per_page: 10 }],
    ['page=-3&per_page=-1', { page: 1, per_page: 20 }],
    ['per_page=5000', { page: 1, per_page: 100 }],
    ['per_page=0', { page: 1, per_page: 0, pages: 0, next: null }],
    ['page=999999999999999999999', { page: 1 }],
    ['page=99999', { page: 99_999, next: null }],
  ])('takes %s as ODCS does, with a limit', async (query, meta) => {
    const { status, json } = await call('GET', `/api/1/composes/?${query}`);
    expect({ status, meta: odcsComposeList.parse(json).meta }).toMatchObject({ status: 200, meta });
  });

  it('believes a reverse proxy where it says something sensible', async () => {
    const first = async (headers: Readonly<Record<string, string>>): Promise<unknown> => (((await call('GET', '/api/1/composes/?per_page=1', undefined, headers)).json['meta'] ?? {}) as Record<string, unknown>)['first'];
    expect(await first({ 'x-forwarded-host': 'composes.test:8443', 'x-scheme': 'https', 'x-script-name': '/odcs/' })).toBe('https://composes.test:8443/odcs/api/1/composes/?page=1&per_page=1');
    expect(await first({ 'x-forwarded-host': 'evil.test/"><script>', 'x-scheme': 'javascript', 'x-script-name': '//evil.test/..' })).toBe(`${gateway.url}/api/1/composes/?page=1&per_page=1`);
  });

  it.each([['state=wait'], ['state=0'], ['source_type=repo'], ['source_type=3'], ['state=wait&source_type=3&owner=']])('filters by names as well as by numbers (%s)', async (query) => {
    expect(odcsComposeList.parse((await call('GET', `/api/1/composes/?${query}`)).json).meta.total).toBe(gateway.composes.held.size);
  });

  it.each([['state=waiting', 'state should be a number, or one of: wait (0)'], ['source_type=git', 'source_type should be a number'], ['koji_task_id=x', 'koji_task_id'], ['order_by=colour', 'order_by'], ['owner=%00', 'owner']])('refuses %s', async (query, message) => {
    const answer = await call('GET', `/api/1/composes/?${query}`);
    expect([answer.status, odcsError.parse(answer.json).message]).toEqual([400, expect.stringContaining(message)]);
  });

  it.each(['source_type', '-source_type', 'source_Type', 'time_submitted', '-time_removed', 'koji_event'])('orders by %s', async (order) => {
    expect((await call('GET', `/api/1/composes/?order_by=${order}`)).status).toBe(200);
  });
});

describe('one compose', () => {
  it('has all that clients read, with and without a slash at the end', async () => {
    const id = await create();
    for (const path of [`/api/1/composes/${id}`, `/api/1/composes/${id}/`, `/api/1/composes/000${id}`]) expect(odcsComposeDetail.parse((await call('GET', path)).json).id).toBe(id);
  });

  it.each(['/api/1/composes/999999', '/api/1/composes/0', '/api/1/composes/-1', '/api/1/composes/x', '/api/1/composes/99999999999999999999', '/api/1/nowhere', '/api/2/composes/', '/api'])('%s is 404', async (path) => {
    const answer = await call('GET', path);
    expect([answer.status, odcsError.parse(answer.json).error]).toEqual([404, 'Not Found']);
  });

  it.each([
    ['PUT', '/api/1/composes/1', 'GET, PATCH, DELETE, HEAD'],
    ['DELETE', '/api/1/composes/', 'GET, POST, HEAD'],
    ['POST', '/api/1/about', 'GET, HEAD'],
  ])('%s %s is 405', async (method, path, allow) => {
    const answer = await call(method, path, {});
    expect([answer.status, odcsError.parse(answer.json).error, answer.headers.get('allow')]).toEqual([405, 'Method Not Allowed', allow]);
  });

  it('is 304 for whoever has it, and the list as well', async () => {
    const id = await create();
    for (const path of [`/api/1/composes/${id}`, '/api/1/composes/']) {
      const tag = (await call('GET', path)).headers.get('etag') ?? '';
      const again = await fetch(`${gateway.url}${path}`, { headers: { 'if-none-match': `"other", W/${tag}` } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', tag]);
      gateway.composes.set(id, { stateReason: `${path} changed` });
      expect((await call('GET', path, undefined, { 'if-none-match': tag })).status).toBe(200);
    }
  });

  it('is renewed with a body, or without one and without a media type', async () => {
    const id = await create();
    const waiting = await call('PATCH', `/api/1/composes/${id}`);
    expect([waiting.status, odcsError.parse(waiting.json).message]).toEqual([404, expect.stringContaining(`No compose with id ${id} found`)]);
    gateway.composes.set(id, { state: 'done', doneAt: new Date().toISOString() });
    expect(odcsCompose.parse((await call('PATCH', `/api/1/composes/${id}`)).json).id).toBe(id);
    const renewed = await call('PATCH', `/api/1/composes/${id}/`, { sigkeys: ['', 'BEEF0000'], 'seconds-to-live': '60' });
    expect(renewed.json).toMatchObject({ id: expect.not.stringMatching(String(id)), sigkeys: ' BEEF0000' });
    expect((await call('PATCH', `/api/1/composes/${id}`, { sigkeys: 'BEEF0000' })).json).toMatchObject({ status: 400, message: 'sigkeys should be a list' });
    expect((await call('PATCH', '/api/1/composes/99999')).json).toEqual({ status: 404, error: 'Not Found', message: 'No compose with id 99999 found' });
  });

  it('is cancelled while it waits or is generated, removed when it is done, and neither when it is removed', async () => {
    for (const state of ['wait', 'generating'] as const) {
      const id = await create();
      gateway.composes.set(id, { state });
      const answer = await call('DELETE', `/api/1/composes/${id}`);
      expect([answer.status, odcsDeleted.parse(answer.json).message]).toEqual([202, `Compose (id=${id}) has been canceled`]);
      expect(gateway.composes.held.get(id)).toMatchObject({ state: 'failed', stateReason: 'Canceled by anonymous' });
      expect(gateway.composes.told).toContain(`changed ${id}`);
    }
    const id = await create();
    gateway.composes.set(id, { state: 'done' });
    expect((await call('DELETE', `/api/1/composes/${id}`)).json).toEqual({ status: 202, message: `The delete request for compose (id=${id}) has been accepted and will be processed by backend later.` });
    expect(gateway.composes.held.get(id)?.removedBy).toBe('anonymous');
    gateway.composes.set(id, { state: 'removed' });
    expect((await call('DELETE', `/api/1/composes/${id}`)).json).toEqual({ status: 400, error: 'Bad Request', message: `Compose (id=${id}) can not be removed, its state need to be in ['done', 'failed'].` });
    expect((await call('DELETE', '/api/1/composes/99999')).json).toEqual({ status: 404, error: 'Not Found', message: 'No such compose found.' });
  });
});

describe('what else there is', () => {
  it('tells about the service, and nothing of who may do what', async () => {
    expect(odcsAbout.parse((await call('GET', '/api/1/about')).json)).toMatchObject({ auth_backend: 'noauth', allowed_clients: {}, sigkeys: ['ABCD0123'] });
  });

  it('has ODCS’s metrics', async () => {
    const answer = await fetch(`${gateway.url}/api/1/metrics/`);
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(text).toMatch(/^composes_total\{source_type="repo",state="wait"\} [1-9]/m);
    expect(text).toContain('composes_total{source_type="raw_config",state="done"} 0');
    expect(text).toMatch(/^celery_queue_length\{queue_name="pungi_composes"\} [1-9]/m);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(/^millrace_composes\{state="wait"\} [1-9]/m);
  });

  it.each(['/', '/api/1/', '/api/1'])('shows people a page at %s that loads nothing from elsewhere', async (path) => {
    const answer = await fetch(`${gateway.url}${path}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).not.toMatch(/<script|https?:\/\//);
  });

  it('has an icon', async () => {
    const answer = await fetch(`${gateway.url}/favicon.ico`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([answer.headers.get('content-type'), bytes.subarray(0, 4).toString('hex'), bytes.length]).toEqual(['image/vnd.microsoft.icon', '00000100', 198]);
  });

  it('lets pages of other sites read, and no more', async () => {
    const answer = await fetch(`${gateway.url}/api/1/composes/`, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.test', 'access-control-request-method': 'POST' } });
    expect([answer.status, answer.headers.get('access-control-allow-methods'), answer.headers.get('allow')]).toEqual([204, 'GET, HEAD', 'GET, POST, HEAD']);
    expect((await call('POST', '/api/1/composes/', {})).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('with credentials asked for', () => {
  let closed: TestGateway;
  beforeAll(async () => {
    closed = await startTestGateway({ environment: { MILLRACE_COMPOSE_AUTH: 'basic' } });
  });
  afterAll(() => closed.close());

  it('changes need them, before anything else is looked at; reading does not', async () => {
    for (const [method, path] of [['POST', '/api/1/composes/'], ['PATCH', '/api/1/composes/1'], ['DELETE', '/api/1/composes/1']] as const) {
      const answer = await fetch(`${closed.url}${path}`, { method, body: '{"source":' });
      expect([answer.status, odcsError.parse(await answer.json()).error, answer.headers.get('www-authenticate')]).toEqual([401, 'Unauthorized', expect.stringMatching(/^Basic /)]);
    }
    expect((await fetch(`${closed.url}/api/1/composes/`)).status).toBe(200);
    const made = await fetch(`${closed.url}/api/1/composes/`, { method: 'POST', headers: { authorization }, body: JSON.stringify(repo) });
    expect(odcsCompose.parse(await made.json()).owner).toBe('craft');
  });
});
