import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { ControlService, sampleDownload, sampleReport, sessionId, token } from './__fixtures__/control-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let service: ControlService;
let home: string;

beforeEach(async () => {
  service = await ControlService.start();
  home = await mkdtemp(path.join(tmpdir(), 'millrace-cli-'));
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, ...parameters);
const session = `/v1/sessions/${sessionId}`;

describe('millrace session', () => {
  it('create shows the token once', async () => {
    const { exitCode, stdout } = await cli('session', 'create', '--policy', 'permissive', '--timeout', '90', '--retain');
    expect(exitCode).toBe(0);
    expect(service.seen[0]).toMatchObject({ line: 'POST /v1/sessions', body: { policy: 'permissive', timeout: 90, retain: true } });
    expect(stdout).toMatch(new RegExp(`session +${sessionId}\ntoken +${token}\nproxy +http://${sessionId}:${token}@`));
  });

  it.each([
    [['create'], 'POST /v1/sessions', { id: sessionId, token }],
    [['list', '--state', 'open', '--limit', '7'], 'GET /v1/sessions?state=open&limit=7', { items: [], nextCursor: null }],
    [['show', sessionId], `GET ${session}`, { id: sessionId, state: 'none', totals: { downloads: 2 } }],
    [['downloads', sessionId], `GET ${session}/downloads?limit=500`, { items: [] }],
    [['revoke', sessionId], `POST ${session}/revoke`, { id: sessionId }],
    [['report', sessionId], `GET ${session}/report`, { 'session-id': sessionId }],
    [['end', sessionId], `DELETE ${session}`, { session: sessionId, ended: true }],
  ] as const)('%j --json asks once and answers one line of JSON', async (parameters, line, shape) => {
    const { exitCode, stdout, stderr } = await cli('session', ...parameters, '--json');
    expect({ exitCode, stderr, lines: service.lines }).toEqual({ exitCode: 0, stderr: '', lines: [line] });
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(stdout)).toMatchObject(shape);
  });

  it('list shows a table', async () => {
    service.state = 'open';
    const { stdout } = await cli('session', 'list');
    expect(stdout).toMatch(new RegExp(`session +│ state[^]*${sessionId} +│ open +│ strict +│ tester .* 2 │ +2\\.0 KiB │ +1 │`));
  });

  it('show names the session in the Temporal UI', async () => {
    expect((await cli('session', 'show', sessionId)).stdout).toContain('workflow    http://127.0.0.1:8233/namespaces/default/workflows/session%3A0');
  });

  it('downloads reads every page', async () => {
    service.downloads = [1, 2, 3, 4, 5].map((position) => sampleDownload(position, 'downloaded'));
    const { stdout } = await cli('session', 'downloads', sessionId, '--json');
    expect((JSON.parse(stdout) as { items: { position: number }[] }).items.map((item) => item.position)).toEqual([1, 2, 3, 4, 5]);
    expect(service.lines).toHaveLength(3);
  });

  it('env hands the token in a header, not in the address', async () => {
    const { stdout } = await millrace({ ...service.environment, MILLRACE_SESSION_TOKEN: token }, 'session', 'env', sessionId, '--shell', 'fish');
    expect(stdout).toBe("export https_proxy='http://proxy'\n");
    expect(service.seen[0]).toMatchObject({ line: `GET ${session}/env?shell=fish`, header: { 'millrace-session-token': token } });
  });

  it('env needs the token', async () => {
    const { exitCode, stderr } = await cli('session', 'env', sessionId);
    expect({ exitCode, lines: service.lines }).toEqual({ exitCode: errorTable['invalid-request'].exit, lines: [] });
    expect(stderr).toContain('MILLRACE_SESSION_TOKEN');
  });

  it('report writes the file as it came', async () => {
    service.report = sampleReport('strict', [{ name: 'thing' }]);
    const file = path.join(home, 'report.json');
    expect((await cli('session', 'report', sessionId, '--output', file)).stdout).toContain(file);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(service.report);
  });
});

describe('millrace status', () => {
  it('shows active sessions', async () => {
    expect((await cli('status')).stdout).toMatch(new RegExp(`^up 12 s, 3 sessions opened, 1 active\n[^]*${sessionId} +│ strict`));
    expect(JSON.parse((await cli('status', '--json')).stdout)).toMatchObject({ uptime: 12, 'active-sessions': [{ 'session-id': sessionId }] });
  });
});

describe('finding the service', () => {
  it('reads addresses.json and control-auth of the home', async () => {
    await writeFile(path.join(home, 'addresses.json'), `${JSON.stringify({ control: service.address, proxy: 'http://localhost:1' })}\n`);
    await writeFile(path.join(home, 'control-auth'), 'tester:secret\n');
    expect((await millrace({ MILLRACE_HOME: home }, 'status')).exitCode).toBe(0);
  });

  it('prefers --server', async () => {
    const { exitCode } = await millrace(
      { MILLRACE_SERVER: 'http://127.0.0.1:1', MILLRACE_CONTROL_AUTH: 'tester:secret' },
      'status',
      '--server',
      service.address,
    );
    expect(exitCode).toBe(0);
  });

  it.each([
    ['no service is known', {}, [], 69, 'npm start'],
    [
      'nothing listens',
      { MILLRACE_SERVER: 'http://127.0.0.1:1', MILLRACE_CONTROL_AUTH: 'a:b' },
      [],
      69,
      /http:\/\/127\.0\.0\.1:1 cannot be reached \(.+\)[^]*MILLRACE_SERVER/,
    ],
    ['there are no credentials', { MILLRACE_SERVER: 'http://127.0.0.1:1' }, [], 77, 'MILLRACE_CONTROL_AUTH'],
    ['the credentials have no password', { MILLRACE_SERVER: 'http://127.0.0.1:1', MILLRACE_CONTROL_AUTH: 'a:' }, [], 77, 'user:password'],
    ['the address is none', { MILLRACE_CONTROL_AUTH: 'a:b' }, ['--server', 'localhost'], 64, 'not an http(s) URL'],
    ['the address holds credentials', { MILLRACE_CONTROL_AUTH: 'a:b' }, ['--server', 'http://a:b@localhost'], 64, 'must not hold credentials'],
  ])('says it when %s', async (_, environment, parameters, expected, words) => {
    const { exitCode, stderr } = await millrace({ MILLRACE_HOME: home, ...environment }, 'status', ...parameters);
    expect(exitCode).toBe(expected);
    expect(stderr).toMatch(words instanceof RegExp ? words : new RegExp(words.replaceAll(/[()]/g, '\\$&')));
  });

  it('says it when addresses.json holds something else', async () => {
    await writeFile(path.join(home, 'addresses.json'), '{"control":1}');
    await writeFile(path.join(home, 'control-auth'), 'a:b');
    expect(await millrace({ MILLRACE_HOME: home }, 'status')).toMatchObject({ exitCode: 69, stderr: expect.stringContaining('does not hold the addresses') });
  });
});

describe('errors', () => {
  it.each(Object.entries(errorTable))('%s comes out as its exit code', async (code, mapping) => {
    service.problem(`GET ${session}`, { status: mapping.http, code, detail: 'the reason', suggestion: 'Do this.' });
    const { exitCode, stdout, stderr } = await cli('session', 'show', sessionId);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: mapping.exit, stdout: '', stderr: 'millrace: the reason\n  Do this.\n' });
  });

  it('are one line of JSON on standard error with --json', async () => {
    service.problem(`GET ${session}`, { status: 404, code: 'session-not-found', detail: 'no such session' });
    const { exitCode, stderr } = await cli('session', 'show', sessionId, '--json');
    expect(exitCode).toBe(66);
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'session-not-found', message: 'no such session', suggestion: null } });
  });

  it.each([
    ['an answer that is no JSON', { status: 200, body: '<html>' }, 70, 'not JSON'],
    ['an answer of another shape', { status: 200, body: '{"id":5}' }, 70, 'unexpected shape'],
    ['a redirect', { status: 302, body: '' }, 69, 'cannot be reached'],
    ['a load balancer without a service', { status: 503, body: 'Service Unavailable' }, 69, 'HTTP status 503'],
    ['a wall', { status: 403, body: 'Forbidden' }, 77, 'HTTP status 403'],
    ['an unknown code', { status: 500, body: '{"code":"made-up","detail":"something"}' }, 70, 'something'],
  ])('covers %s', async (_, answer, expected, words) => {
    service.answersWith(`GET ${session}`, answer);
    expect(await cli('session', 'show', sessionId)).toMatchObject({ exitCode: expected, stderr: expect.stringContaining(words) });
  });

  it('refuses what is no session id before it asks', async () => {
    expect(await cli('session', 'show', '../../status')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('not a session id') });
    expect(service.lines).toEqual([]);
  });

  it.each([
    [['nonsense']],
    [['session', 'list', '--state', 'sleeping']],
    [['run', '--timeout', '-5', '--', 'true']],
    [['session', 'show']],
    [['status', '--colour']],
  ])('answers 64 for %j', async (parameters) => {
    const { exitCode, stderr } = await cli(...parameters);
    expect(exitCode).toBe(64);
    expect(stderr).toMatch(/^error: /);
    expect(service.lines).toEqual([]);
  });

  it('prints nothing that moves the cursor', async () => {
    service.problem(`GET ${session}`, { status: 404, code: 'session-not-found', detail: 'evil \u001b[2J\u0007\u202Etxt' });
    expect((await cli('session', 'show', sessionId)).stderr).toBe('millrace: evil \\u{1b}[2J\\u{7}\\u{202e}txt\n');
  });
});

describe('help', () => {
  it.each([[['--help']], [['run', '--help']], [['session', 'create', '--help']], [['session', 'env', '--help']]])('%j has examples', async (parameters) => {
    const { exitCode, stdout } = await cli(...parameters);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}\$ /);
  });

  it('names the version', async () => {
    expect(await cli('--version')).toEqual({ exitCode: 0, stdout: '9.8.7\n', stderr: '' });
  });
});
