import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ControlService } from './__fixtures__/control-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let service: ControlService;
let directory: string;
beforeAll(async () => {
  service = await ControlService.start();
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-cli-'));
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'access', ...parameters);
async function file(name: string, text: string): Promise<string> {
  const full = path.join(directory, name);
  await writeFile(full, text);
  return full;
}

const none = { sessions: [], composes: [], repositories: [], cache: [], service: [] };
const quota = { composes: 5, bytes: 1024 ** 3, secondsToLive: 600 };
const use = { composes: 2, bytes: 1536 };

describe('millrace access whoami', () => {
  it('shows who the caller is, their roles and what is left of their quota', async () => {
    const who = { name: 'ann', groups: ['g1', 'g\u0007'], by: 'bearer', scopes: null, roles: { ...none, composes: ['reader', 'writer'] }, quota, use };
    service.answersWith('GET /v1/access', { status: 200, body: JSON.stringify(who) });
    expect((await cli('whoami')).stdout).toBe('ann, by a token\ngroups: g1, g\\u{7}\nroles: composes (reader, writer)\ncomposes at once: 2 of 5\nkept: 1.5 KiB of 1.0 GiB\nlongest life: 600 s\n');
    expect(JSON.parse((await cli('whoami', '--json')).stdout)).toEqual(who);
  });

  it('sends a token where there is one, and refuses what cannot be one', async () => {
    await millrace({ ...service.environment, MILLRACE_TOKEN: 'abc.def-ghi' }, 'access', 'whoami');
    expect(service.seen.at(-1)?.header.authorization).toBe('Bearer abc.def-ghi');
    expect(await millrace({ ...service.environment, MILLRACE_TOKEN: 'two words' }, 'access', 'whoami')).toMatchObject({ exitCode: 77, stderr: expect.stringContaining('MILLRACE_TOKEN') });
  });
});

describe('millrace access check', () => {
  it('accepts a file, and asks whether what is hardly meant is meant', async () => {
    const yaml = await file('access.yaml', 'authorization: {composes: {allowed_clients: {users: {ann: }}, admins: {users: [ann, root], groups: [chiefs]}}}\n');
    const { exitCode, stdout } = await cli('check', yaml);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `${yaml} is valid.`,
      expect.stringMatching(/^Is this meant\? .*admins\.users: root may cancel and delete every compose, but is no client/),
      expect.stringMatching(/^Is this meant\? .*admins\.groups: chiefs may cancel/),
      expect.stringMatching(/^Is this meant\? authorization\.quotas is empty/),
      '',
    ]);
    expect(JSON.parse((await cli('check', yaml, '--json')).stdout)).toMatchObject({ valid: true, advice: expect.any(Array) });
  });

  it.each([
    ['every mistake with its place', 'authorization: {roles: {x: 1}, quotas: {default: {bytes: much}}}', /authorization\.roles\.x: unknown key; authorization\.quotas\.default\.bytes: must be/],
    ['a line that is no YAML', 'authorization:\n  - [\n', /line [23]: /],
    ['clients who are limited where everybody may do everything', 'authentication: {anonymous: true}\nauthorization: {composes: {allowed_clients: {users: {ann: {}}}}}', /authorization\.composes: names clients or admins, but authentication\.anonymous/],
  ])('tells %s', async (_what, text, message) => {
    expect(await cli('check', await file('wrong.yaml', text))).toMatchObject({ exitCode: 78, stderr: expect.stringMatching(message) });
  });
});

describe('millrace access explain', () => {
  const request = { source: { type: 'repo', source: 'http://packages.test/' } };

  it('tells by which entry a request would be refused, or allowed', async () => {
    const refused = { allowed: false, reason: 'User ann not allowed to operate with compose with source_types=repo.', client: 'composes.allowed_clients.groups.g', entries: [{ entry: 'composes.allowed_clients.groups.g', refusals: [{ attribute: 'source_types', value: 'repo' }] }], roles: none, quota: { ...quota, bytes: null }, use };
    service.answersWith('POST /v1/access/explain', { status: 200, body: JSON.stringify(refused) });
    const given = ['explain', '--user', 'ann', '--group', 'g', '--group', 'h', '--file', await file('other.yaml', 'authorization: {}\n'), await file('request.json', JSON.stringify(request))];
    expect(await cli(...given)).toMatchObject({
      exitCode: 1,
      stdout: 'Refused: User ann not allowed to operate with compose with source_types=repo.\nclient by: composes.allowed_clients.groups.g\nentries:\n  composes.allowed_clients.groups.g: does not list source_types repo\nroles: none\ncomposes at once: 2 of 5\nkept: 1.5 KiB\nlongest life: 600 s\n',
    });
    expect(service.seen.at(-1)?.body).toEqual({ user: 'ann', groups: ['g', 'h'], request, document: 'authorization: {}\n' });
    service.answersWith('POST /v1/access/explain', { status: 200, body: JSON.stringify({ ...refused, allowed: true, reason: null, entries: [{ entry: 'composes.admins', refusals: [] }] }) });
    expect(await cli(...given)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Allowed\.\n[^]*composes\.admins: allows it\n/) });
  });

  it.each(['[]', 'null', '{', '"text"'])('refuses a request that is no object (%s), and asks nobody', async (text) => {
    const before = service.seen.length;
    expect(await cli('explain', '--user', 'ann', await file('request.json', text))).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('does not hold a JSON object') });
    expect(service.seen).toHaveLength(before);
  });
});
