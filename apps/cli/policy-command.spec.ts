import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlService, sessionId } from './__fixtures__/control-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let service: ControlService;
let directory: string;

beforeEach(async () => {
  service = await ControlService.start();
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-cli-'));
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, ...parameters);
async function file(name: string, text: string): Promise<string> {
  const full = path.join(directory, name);
  await writeFile(full, text);
  return full;
}

describe('millrace session create and run', () => {
  it('send the policy document as its text, and the configuration of inspectors as an object', async () => {
    const text = 'version: 1 # ours\ndeny: [{host: evil.example}]\n';
    const given = ['--policy-file', await file('policy.yaml', text), '--inspectors-configuration', await file('inspectors.yaml', 'git: {urls: ["https://git.example/**"]}\n')];
    expect(await cli('session', 'create', ...given)).toMatchObject({ exitCode: 0 });
    expect(await cli('run', ...given, '--', process.execPath, '-e', '')).toMatchObject({ exitCode: 0 });
    const opened = service.seen.filter(({ line }) => line === 'POST /v1/sessions').map(({ body }) => body);
    expect(opened).toEqual(Array(2).fill({ policy: 'strict', 'policy-document': text, 'inspectors-configuration': { git: { urls: ['https://git.example/**'] } } }));
  });

  it.each([
    ['a policy document with mistakes', '--policy-file', 'version: 1\ndenny: []\ndeny: [{}]\n', 65, /policy:2:1: denny: unknown key: did you mean "deny"\?\n.*policy:3:8: deny\[0\]: a rule needs/],
    ['a configuration that is a list', '--inspectors-configuration', '[]', 64, /does not hold an object/],
    ['a configuration that is no YAML', '--inspectors-configuration', '{', 64, /policy: /],
  ])('open no session with %s', async (_what, option, text, exitCode, message) => {
    const result = await cli('run', option, await file('policy', text), '--', process.execPath, '-e', '');
    expect(result).toMatchObject({ exitCode, stderr: expect.stringMatching(message) });
    expect(service.lines).toEqual([]);
  });

  it('say which file is not there', async () => {
    expect(await cli('run', '--policy-file', path.join(directory, 'none'), '--', 'true')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('cannot read') });
  });
});

describe('millrace policy validate', () => {
  it('accepts a document, and tells its digest', async () => {
    const valid = await file('policy.yaml', 'version: 1\norigins: {npm: [registry.example]}\n');
    expect(await cli('policy', 'validate', valid)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/policy\.yaml is valid \(SHA-256 [0-9a-f]{64}\)/) });
    expect(JSON.parse((await cli('policy', 'validate', valid, '--json')).stdout)).toMatchObject({ valid: true });
  });

  it('knows the ecosystems that have inspectors, and the lines of mistakes', async () => {
    const wrong = await file('policy.yaml', 'version: 1\norigins:\n  pypi: [a.example]\n');
    expect(await cli('policy', 'validate', wrong)).toMatchObject({ exitCode: 65, stderr: expect.stringMatching(/policy\.yaml:3:9: origins\.pypi: no inspector is for "pypi": did you mean "pip"\?/) });
    const { error } = JSON.parse((await cli('policy', 'validate', wrong, '--json')).stderr) as { error: { code: string } };
    expect(error.code).toBe('invalid-policy-document');
  });
});

describe('millrace policy schema', () => {
  it('prints what is in the documentation', async () => {
    const { stdout } = await cli('policy', 'schema');
    expect(stdout).toBe(await readFile('docs/reference/policy.schema.json', 'utf8'));
  });
});

describe('millrace policy check', () => {
  const line = `POST /v1/sessions/${sessionId}/policy-check`;
  const exchange = { position: 2, stage: 'artefact', byPolicy: true, method: 'GET', url: 'https://registry.example:443/x.tgz', type: '', name: 'x', version: '1.0', purl: '', sha256: null, reason: 'policy: session policy, line 2 (deny): \u001b[31mno' };
  const answer = (change: object) => service.answersWith(line, { status: 200, body: JSON.stringify({ sessionId, policySha256: '', position: 9, judged: 5, refusedByPolicy: 0, refusedCount: 0, undecidedCount: 0, refused: [], undecided: [], ...change }) });
  const check = async (...more: readonly string[]) => cli('policy', 'check', '--session', sessionId, '--policy', await file('policy.yaml', 'version: 1\n'), ...more);

  it('ends with 0 when all would pass', async () => {
    answer({});
    expect(await check()).toEqual({ exitCode: 0, stderr: '', stdout: '5 exchanges judged: 0 would be refused, 0 of them by the policy document; 0 cannot be told.\n' });
    expect(service.seen[0]).toMatchObject({ line, body: { 'policy-document': 'version: 1\n' } });
  });

  it('ends with 1 when something would be refused, and says what and why, harmlessly', async () => {
    answer({ refusedCount: 2, refusedByPolicy: 1, refused: [exchange, { ...exchange, byPolicy: false, reason: 'default: unknown' }] });
    const { exitCode, stdout } = await check();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/The policy document would refuse: 1\n {2}1 × policy: session policy, line 2 \(deny\): \\u\{1b\}\[31mno\n {6}x 1\.0 {2}GET https:\/\/registry\.example/);
    expect(stdout).toContain('Strict would refuse without any policy document: 1\n  1 × default: unknown');
    expect(JSON.parse((await check('--json')).stdout)).toMatchObject({ refusedCount: 2 });
  });

  it('ends with 2 when it cannot judge', async () => {
    service.problem(line, { status: 404, code: 'session-not-found', detail: 'no such session' });
    expect(await check()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no such session') });
    expect(await cli('policy', 'check', '--session', sessionId, '--policy', await file('wrong.yaml', 'version: 3'))).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('wrong.yaml:1:10: version: must be 1') });
  });
});
