import type { MessagePort } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { failureReason } from '../inspection/failure-reason.js';
import { createInspectedBody } from '../inspection/inspected-body.js';
import type { Consult, InspectionContext, SessionKnowledge } from '../inspection/inspector.js';
import { judgingContext } from '../inspection/policy-opinion.js';
import { createInspectors } from '../inspectors/index.js';
import { compilePolicy, type CompiledPolicy } from '../policy/compile-policy.js';
import type { ThreadAnswer, ThreadQuestion, ThreadResult, ThreadTask } from './thread-task.js';

/** Entry of an inspection thread; the pool calls its default export once a task. */
const inspectors = new Map(createInspectors().map((inspector) => [inspector.id, inspector]));

export default async function inspectInThread(task: ThreadTask): Promise<ThreadResult> {
  const inspector = inspectors.get(task.inspectorId);
  if (inspector === undefined) return { opinion: 'Rejected', reason: `there is no inspector ${task.inspectorId}` };
  const process = askProcess(task.port);
  const plain: InspectionContext = {
    sessionId: task.sessionId,
    policy: task.policy,
    configuration: task.configuration,
    knowledge: process.knowledge,
    ...(task.mayConsult ? { consult: process.consult } : {}),
  };
  const context = judgingContext(plain, compiledRules(task));
  try {
    const request = { ...task.request, ...(task.request.body === undefined ? {} : { body: asBuffer(task.request.body) }), header: lookUp(task.requestFields) };
    const response = { status: task.status, header: lookUp(task.responseFields) };
    return await inspector.inspectResponse(request, response, createInspectedBody(withBuffers(task.body)), context);
  } catch (error) {
    return { opinion: 'Rejected', reason: failureReason(error) };
  } finally {
    task.port.close();
  }
}

const rulesOfSessions = new LRUCache<string, CompiledPolicy>({ max: 50 });

function compiledRules({ sessionId, rules }: ThreadTask): CompiledPolicy | undefined {
  if (rules === undefined) return undefined;
  const compiled = rulesOfSessions.get(sessionId) ?? compilePolicy(rules.documents, rules.openedAt);
  rulesOfSessions.set(sessionId, compiled);
  return compiled;
}

/** A Buffer arrives as a plain Uint8Array. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function withBuffers(body: ThreadTask['body']): ThreadTask['body'] {
  return 'bytes' in body ? { ...body, bytes: asBuffer(body.bytes) } : { ...body, head: asBuffer(body.head) };
}

function lookUp(fields: readonly string[]): (name: string) => string | undefined {
  const values = new Map<string, string>();
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase();
    if (!values.has(name)) values.set(name, fields[index + 1] as string);
  }
  return (name) => values.get(name);
}

function askProcess(port: MessagePort): { readonly knowledge: SessionKnowledge; readonly consult: Consult } {
  const waiting = new Map<number, { resolve: (value: string | undefined) => void; reject: (error: Error) => void }>();
  let next = 0;
  port.on('message', ({ id, value, failure }: ThreadAnswer) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) asked?.resolve(value);
    else asked?.reject(new Error(failure));
  });
  const ask = (question: (id: number) => ThreadQuestion): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, { resolve, reject });
      port.postMessage(question(next));
    });
  return {
    knowledge: {
      get: (key) => ask((id) => ({ id, ask: 'get', key })),
      put: async (key, value) => void (await ask((id) => ({ id, ask: 'put', key, value }))),
      replace: async (key, before, value) => (await ask((id) => ({ id, ask: 'replace', key, before, value }))) === 'replaced',
    },
    consult: async (url, options) => (await ask((id) => ({ id, ask: 'consult', url, accept: options?.accept }))) as Awaited<ReturnType<Consult>>,
  };
}
