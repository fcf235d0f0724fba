import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { GateSettings } from '../compose-rules/compose-rule.js';
import type { MillraceError } from '../errors/millrace-error.js';
import type { HttpClient } from '../repository-source/http-client.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { startFakeGreenwave, type FakeGreenwave } from '../testing/fake-greenwave.js';
import { writeTestCertificates } from '../testing/test-certificates.js';
import { createGates } from './create-gates.js';
import { openGates } from './open-gates.js';
import type { Gates } from './gate.js';

const settings = { composeSourcePaths: [], composeAllowDestinations: ['127.0.0.0/8', '::1/128'], forbiddenPorts: [] as number[], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined as string | undefined };
const { signal } = new AbortController();
let fake: FakeGreenwave;
let client: HttpClient;
let gates: Gates;

beforeAll(async () => {
  fake = await startFakeGreenwave();
  fake.policies.push({ productVersion: 'farm-1', decisionContext: 'compose_promotion', subjectType: 'compose', required: ['compose.install', 'compose.boot'] });
  client = createSourceClient({ settings, version: '1.2.3', limits: { ...sourceLimits, progressTime: 600 } });
  gates = createGates({ client, answerBytes: 100_000, decisionTime: 1000 });
});
beforeEach(() => {
  fake.instead = undefined;
});
afterAll(async () => {
  await client.close();
  await fake[Symbol.asyncDispose]();
});

const gate = (changes: Partial<GateSettings> = {}): GateSettings => ({ url: fake.url, productVersion: 'farm-1', decisionContext: 'compose_promotion', subjectType: 'compose', subjectIdentifier: 'odcs-7', patience: 60, ...changes });
const failure = (asked: Promise<unknown>): Promise<MillraceError> => asked.then(() => { throw new Error('no failure'); }, (error: unknown) => error as MillraceError);
const send = (status: number, body: string) => (_: IncomingMessage, response: ServerResponse) => void response.writeHead(status).end(body);

describe('a gate', () => {
  it('is open when all that its policies require has passed, and says until then what is missing', async () => {
    expect(await gates.decide(gate(), signal)).toEqual({ open: false, summary: '2 of 2 required test results missing: compose.install (test-result-missing), compose.boot (test-result-missing)' });
    fake.setResult('odcs-7', 'compose.install', 'PASSED');
    fake.setResult('odcs-7', 'compose.boot', 'FAILED');
    expect(await gates.decide(gate(), signal)).toEqual({ open: false, summary: '1 of 2 required tests failed: compose.boot (test-result-failed)' });
    fake.setResult('odcs-7', 'compose.boot', 'PASSED');
    expect(await gates.decide(gate(), signal)).toEqual({ open: true, summary: 'All required tests passed' });
    expect(fake.asked[0]).toEqual({ product_version: 'farm-1', decision_context: 'compose_promotion', subject_type: 'compose', subject_identifier: 'odcs-7' });
  });

  it('that knows no policy for what it is asked says so, and is not asked again', async () => {
    expect(await failure(gates.decide(gate({ productVersion: 'farm-2' }), signal))).toMatchObject({
      code: 'source-invalid',
      message: `the gate ${fake.url}/api/v1.0/decision answers with HTTP 404: Cannot find any applicable policies for compose subjects at gating point compose_promotion in farm-2`,
      suggestion: expect.stringContaining('is there a policy'),
    });
    expect(await failure(gates.decide(gate({ productVersion: '' }), signal))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('HTTP 400: Missing required product version') });
    expect(await failure(gates.decide(gate({ url: `${fake.url}/elsewhere` }), signal))).toMatchObject({ code: 'source-invalid' });
  });

  it.each([
    ['without a summary', { policies_satisfied: true }, { open: true, summary: 'all policies are satisfied' }],
    ['without a reason', { policies_satisfied: false, unsatisfied_requirements: [{}, { testcase: 7 }, { testcase: 'a' }] }, { open: false, summary: 'not all policies are satisfied: a' }],
    ['with control characters', { policies_satisfied: true, summary: '\u001b[31mno\r\n\u2028pe\0' }, { open: true, summary: '[31mno pe' }],
    ['with a long summary', { policies_satisfied: true, summary: 'x'.repeat(5000) }, { open: true, summary: 'x'.repeat(1000) }],
  ])('may answer %s', async (_name, body, decision) => {
    fake.instead = send(200, JSON.stringify(body));
    expect(await gates.decide(gate(), signal)).toEqual(decision);
  });

  it.each<[string, string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['HTML', 'source-invalid', 'is no decision: the answer', send(200, '<html><body>Log in</body></html>')],
    ['nothing at all', 'source-invalid', 'is no decision', send(200, '')],
    ['a list', 'source-invalid', 'is no decision', send(200, '[]')],
    ['"true" for true', 'source-invalid', 'policies_satisfied', send(200, '{"policies_satisfied":"true","summary":""}')],
    ['brackets without an end', 'source-invalid', 'is no decision', send(200, '['.repeat(90_000))],
    ['more than fits', 'source-invalid', 'has more than 100000 bytes', send(200, JSON.stringify({ policies_satisfied: true, summary: 'x'.repeat(200_000) }))],
    ['a redirect', 'source-invalid', 'HTTP 307', (_, response) => void response.writeHead(307, { location: 'http://elsewhere.example/' }).end()],
    ['204', 'source-invalid', 'HTTP 204', (_, response) => void response.writeHead(204).end()],
    ['500', 'source-unavailable', 'HTTP 500: Server encountered unexpected error', send(500, '{"message":"Server encountered unexpected error"}')],
    ['502 in HTML', 'source-unavailable', 'HTTP 502', send(502, '<html>Bad Gateway</html>')],
    ['504', 'source-unavailable', 'HTTP 504', send(504, '{"message":"Timeout connecting to upstream server"}')],
    ['429', 'source-unavailable', 'HTTP 429', send(429, '')],
    ['nothing', 'source-unavailable', 'has sent nothing worth mentioning', () => undefined],
    ['a broken connection', 'source-unavailable', 'cannot read', (request) => void request.socket.destroy()],
    ['slowly and without an end', 'source-unavailable', 'has not decided within 1 s', drip],
  ])('that answers %s is %s', async (_name, code, message, instead) => {
    fake.instead = instead;
    expect(await failure(gates.decide(gate(), signal))).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is left when the work is stopped', async () => {
    const stop = new AbortController();
    fake.instead = () => stop.abort(new Error('stopped'));
    await expect(gates.decide(gate(), stop.signal)).rejects.toThrow('stopped');
  });

  it('is not where policy forbids, nor on a port of the service itself', async () => {
    const port = Number(new URL(fake.url).port);
    for (const changes of [{ composeAllowDestinations: [] }, { forbiddenPorts: [port] }]) {
      const guarded = openGates({ settings: { ...settings, ...changes }, version: '1.2.3' });
      expect(await failure(guarded.decide(gate(), signal))).toMatchObject({ code: 'forbidden' });
      await guarded.close();
    }
    expect(await failure(gates.decide(gate({ url: 'http://127.0.0.1:1' }), signal))).toMatchObject({ code: 'source-unavailable' });
  });

  it('proves who it is by TLS', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millrace-gate-'));
    const certificates = writeTestCertificates(folder);
    const secure = await startFakeGreenwave(certificates.server);
    secure.policies.push(...fake.policies);
    const trusting = openGates({ settings: { ...settings, upstreamCa: certificates.authority }, version: '1.2.3' });
    try {
      expect(await trusting.decide(gate({ url: secure.url }), signal)).toMatchObject({ open: false });
      expect(await failure(gates.decide(gate({ url: secure.url }), signal))).toMatchObject({ code: 'source-unavailable' });
      expect(secure.asked).toHaveLength(1);
    } finally {
      await trusting.close();
      await secure[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** So that each moment has some progress. */
function drip(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200).write('{');
  const more = setInterval(() => response.write(' '.repeat(5000)), 100);
  response.on('close', () => clearInterval(more));
}
