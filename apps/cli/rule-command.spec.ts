import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { millrace } from './__fixtures__/recorded-terminal.js';
import { RecordingServer, type SeenRequest } from './__fixtures__/recording-server.js';

const counts = { matched: 1000, requested: 4, done: 3, failed: 1, refused: 0, parked: 2, loops: 5 };
const summary = { name: 'tags', state: 'paused', position: 900, behind: 7, counts, problem: 'message 3: no\u001b[31m', pausedBy: 'ann', pausedAt: '2026-03-20T10:00:00.000Z' };
const detail = { ...summary, matters: [{ key: 'f41', state: 'gate-before', position: 12, messages: 3, composeId: null }], composes: [{ composeId: 77, key: 'f41', position: 9, chain: ['one', 'tags'], requestedAt: '2026-03-20T10:00:00.000Z' }] };
const request = { sourceType: 'tag', source: ['f41'] };
const run = { looked: 12, complete: false, rules: [{ rule: 'tags', matched: 2, composes: 1, unfit: 1, loops: 0, samples: [{ kind: 'match', position: 8, topic: 't', key: 'f41', latest: null, request, reason: null }, { kind: 'unfit', position: null, topic: 't', key: null, latest: null, request: null, reason: 'undefined variable' }] }] };

/** `/v1/rules`, as the gateway's contract has it. */
class RuleService extends RecordingServer {
  constructor() {
    super('spec:secret');
  }

  protected override answer({ line }: SeenRequest, incoming: IncomingMessage, response: ServerResponse): void {
    const json = (value: object, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (!this.isAllowed(incoming)) return void json({ code: 'unauthorized', detail: '401' }, 401);
    if (line === 'GET /v1/rules') return void json({ items: [summary] });
    if (line.endsWith('/dry-run')) return void json(run);
    if (line.includes('/v1/rules/tags')) return void json(detail);
    json({ code: 'rule-not-found', detail: 'there is no such rule' }, 404);
  }
}

let service: RuleService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-rule-cli-'));
  service = await new RuleService().listen();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  service.seen.length = 0;
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'rule', ...parameters);
function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}
const buses = 'buses:\n  - { name: koji, type: webhook, verify: { kind: standard-webhooks, secrets: [{ env: SECRET }] }, topic: { fixed: tag } }\n';
const rules = 'rules:\n  - name: tags\n    buses: [koji]\n    request: { source: { type: tag, source: "{{ message.body.tag }}" } }\n';

describe('millrace rule', () => {
  it('lists rules', async () => {
    const { stdout } = await cli('list');
    for (const text of ['tags', 'paused', '1000', 'loops']) expect(stdout).toContain(text);
    expect(JSON.parse((await cli('list', '--json')).stdout)).toEqual({ items: [summary] });
  });

  it('shows one, and nothing of a message may move the cursor', async () => {
    const { stdout } = await cli('show', 'tags');
    for (const text of ['gate-before', '77', 'one → tags', 'Paused by ann', 'Last problem: message 3: no\\u{1b}']) expect(stdout).toContain(text);
    expect(stdout).not.toContain('\u001b');
    expect((await cli('show', 'none')).exitCode).toBe(errorTable['rule-not-found'].exit);
  });

  it('pauses, resumes and replays', async () => {
    for (const parameters of [['pause', 'tags'], ['resume', 'tags'], ['replay', 'tags', '--message', '8'], ['replay', 'tags', '--since', '2026-03-20T10:00:00Z']]) expect((await cli(...parameters)).exitCode).toBe(0);
    expect(service.seen.map(({ line, body }) => [line, body])).toEqual([
      ['POST /v1/rules/tags/pause', undefined],
      ['POST /v1/rules/tags/resume', undefined],
      ['POST /v1/rules/tags/replay', { position: 8 }],
      ['POST /v1/rules/tags/replay', { since: '2026-03-20T10:00:00Z' }],
    ]);
    expect((await cli('replay', 'tags')).exitCode).toBe(errorTable['invalid-request'].exit);
  });

  it('checks a file without the service', async () => {
    expect((await cli('check', write('good.yaml', `${buses}${rules}`))).stdout).toContain('is valid: 1 buses, 1 rules (tags).');
    const wrong = await cli('check', write('bad.yaml', `${buses}${rules.replace('message.body', 'body')}`));
    expect([wrong.exitCode, wrong.stderr]).toEqual([errorTable['invalid-setting'].exit, expect.stringContaining('rules[0].request: the template {{ body.tag }} uses body')]);
    expect(service.seen).toEqual([]);
  });

  it('tries rules of a file, and one message', async () => {
    const { stdout } = await cli('dry-run', '--file', write('try.yaml', `${buses}${rules}`), '--hours', '2.5');
    for (const text of ['12 messages looked at; there are more.', 'tags: 2 messages match, which become 1 composes', 'message 8 [f41]: tag f41', 'unfit: undefined variable']) expect(stdout).toContain(text);
    await cli('dry-run', '--message', write('message.json', '{"bus":"koji","topic":"t","body":{}}'), '--rule', 'tags');
    expect(service.seen.map(({ body }) => body)).toEqual([
      { hours: 2.5, rules: [{ name: 'tags', buses: ['koji'], request: { source: { type: 'tag', source: '{{ message.body.tag }}' } } }] },
      { message: { bus: 'koji', topic: 't', body: {} }, rule: 'tags' },
    ]);
    expect((await cli('dry-run', '--hours', 'soon')).exitCode).not.toBe(0);
    expect((await cli('dry-run', '--message', path.join(folder, 'none.json'))).exitCode).toBe(errorTable['invalid-request'].exit);
  });
});
