import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { CertificateFiles } from './test-certificates.js';

export interface FakePolicy {
  readonly productVersion: string;
  readonly decisionContext: string;
  readonly subjectType: string;
  /** Names of test cases that have to pass. */
  readonly required: readonly string[];
}

export type FakeOutcome = 'PASSED' | 'FAILED';

/**
 * A fake of Greenwave: its decision API over a socket, with its checks of requests, its statuses, shapes and words (release-engineering/greenwave, `decision.py`
 * and `api_v1.py`). It has no ResultsDB behind it: results are what a spec says.
 */
export interface FakeGreenwave extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  readonly policies: FakePolicy[];
  /** Bodies of the requests for decisions. */
  readonly asked: unknown[];
  /** Takes requests away from Greenwave while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  setResult(subject: string, testcase: string, outcome: FakeOutcome): void;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function startFakeGreenwave(tls?: CertificateFiles): Promise<FakeGreenwave> {
  const results = new Map<string, FakeOutcome>();
  const asked: unknown[] = [];
  const listener: RequestListener = (request, response) => {
    if (fake.instead !== undefined) return fake.instead(request, response);
    void answer(request).then(
      (value) => send(response, 200, value),
      (error: unknown) => (error instanceof Refusal ? send(response, error.status, { message: error.message }) : send(response, 500, { message: 'Server encountered unexpected error' })),
    );
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, listener);

  async function answer(request: IncomingMessage): Promise<object> {
    if (request.url !== '/api/v1.0/decision') throw new Refusal(404, 'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.');
    if (request.method !== 'POST') throw new Refusal(405, 'The method is not allowed for the requested URL.');
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) throw new Refusal(415, "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.");
    const body = await readBody(request);
    asked.push(body);
    return decide(body);
  }

  function decide(body: Readonly<Record<string, unknown>>): object {
    if (!body['product_version']) throw new Refusal(400, 'Missing required product version');
    if (!body['decision_context']) throw new Refusal(400, 'Either decision_context or rules is required.');
    for (const key of ['subject_type', 'subject_identifier']) if (!(key in body)) throw new Refusal(400, `Missing required "${key}" parameter`);
    const { product_version: version, decision_context: context, subject_type: type, subject_identifier: subject } = body as Readonly<Record<string, string>>;
    const policies = fake.policies.filter((policy) => policy.productVersion === version && policy.decisionContext === context && policy.subjectType === type);
    if (policies.length === 0) throw new Refusal(404, `Cannot find any applicable policies for ${type} subjects at gating point ${context} in ${version}`);
    const answers = policies.flatMap(({ required }) => required).map((testcase) => ({ testcase, subject_type: type, subject_identifier: subject, scenario: null, type: typeOf(results.get(`${subject} ${testcase}`)) }));
    const unsatisfied = answers.filter(({ type: kind }) => kind !== 'test-result-passed');
    return {
      policies_satisfied: unsatisfied.length === 0,
      summary: summaryOf(answers),
      satisfied_requirements: answers.filter((one) => !unsatisfied.includes(one)),
      unsatisfied_requirements: unsatisfied,
      applicable_policies: policies.map((_, index) => `policy-${index}`),
    };
  }

  const fake = {
    url: '',
    policies: [] as FakePolicy[],
    asked,
    instead: undefined as FakeGreenwave['instead'],
    setResult: (subject: string, testcase: string, outcome: FakeOutcome) => void results.set(`${subject} ${testcase}`, outcome),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  fake.url = tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return fake;
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
  } catch {
    throw new Refusal(400, 'The browser (or proxy) sent a request that this server could not understand.');
  }
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function typeOf(outcome: FakeOutcome | undefined): string {
  if (outcome === undefined) return 'test-result-missing';
  return outcome === 'PASSED' ? 'test-result-passed' : 'test-result-failed';
}

function summaryOf(answers: readonly { readonly type: string }[]): string {
  if (answers.length === 0) return 'no tests are required';
  const count = (type: string): number => answers.filter((one) => one.type === type).length;
  const [failed, missing] = [count('test-result-failed'), count('test-result-missing')];
  if (failed + missing === 0) return 'All required tests passed';
  const tests = answers.length === 1 ? 'test' : 'tests';
  if (failed > 0) return `${failed} of ${answers.length} required ${tests} failed${missing > 0 ? `, ${missing} ${missing === 1 ? 'result' : 'results'} missing` : ''}`;
  return `${missing} of ${answers.length} required test ${missing === 1 ? 'result' : 'results'} missing`;
}
