import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { errorMessage } from '../errors/error-message.js';
import { defaultInspectorId } from '../inspection/request-inspection.js';
import type { Consult, InspectionContext } from '../inspection/inspector.js';
import type { JudgingContext } from '../inspection/policy-opinion.js';
import type { InspectedExchange, InspectResponse } from '../inspection/response-inspection.js';
import { createTurns } from './session-turns.js';
import type { ThreadAnswer, ThreadQuestion, ThreadResult, ThreadTask } from './thread-task.js';

export interface InspectionThreads {
  /** Runs an inspection where it belongs: small plain bodies here, everything else in a thread. Rejects when the thread died. */
  readonly inspect: InspectResponse;
  close(): Promise<void>;
}

export interface InspectionThreadsOptions {
  /** That work at once; at least 2, or one session's bomb would stand in every other's way; the machine's cores unless told. */
  readonly threads?: number;
  /** Heap of one thread in MiB; a thread that needs more is ended, and its artefact refused. */
  readonly heapMiB?: number;
  /** The built entry; specs pass their own. */
  readonly entry?: string;
}

/** An inspection that consults waits for another: each of these depths has threads of its own, so none waits for itself. */
const depths = 4;
/** Threads for each that may work: those that wait for what they consult need no processor. */
const waitingPerThread = 4;

/**
 * Inspects responses off the event loop, so that a large or hostile one slows nobody's bytes. One thread does one inspection at a time and
 * is ended when its time is over (`context.signal`); one session never has all of them, and half of those that wait.
 */
export function createInspectionThreads(options: InspectionThreadsOptions = {}): InspectionThreads {
  const threads = Math.max(2, options.threads ?? availableParallelism());
  const entry = options.entry ?? new URL('./inspection-thread.js', import.meta.url).href;
  const pools = Array.from(
    { length: depths },
    () =>
      new Piscina({
        filename: entry,
        minThreads: 0,
        maxThreads: threads * waitingPerThread,
        idleTimeout: 60_000,
        concurrentTasksPerWorker: 1,
        resourceLimits: { maxOldGenerationSizeMb: options.heapMiB ?? 1024 },
      }),
  );
  // A thread that fails between two inspections has nobody to tell; without a listener it would end the process.
  for (const pool of pools) pool.on('error', () => undefined);
  const working = createTurns(threads - 1);
  const begun = createTurns((threads * waitingPerThread) / 2);
  // Nothing waits in a pool's own queue: a pool starts no thread for it in the place of those that were ended.
  const turnsOfPool = createTurns(threads * waitingPerThread);

  return {
    async inspect(inspector, exchange, context) {
      const { transferable } = exchange;
      // `default` looks at the first bytes only.
      if (transferable === undefined || inspector.id === defaultInspectorId || isLight(exchange)) {
        return inspector.inspectResponse(exchange.request, exchange.response, exchange.body, context);
      }
      const depth = Math.min(transferable.consultDepth, depths - 1);
      const pool = pools[depth] as Piscina;
      const key = `${depth} ${context.sessionId}`;
      const { signal } = context;
      // A thread that waits for what it consults works on nothing: its session may have another work meanwhile.
      const consult: Consult | undefined = context.consult === undefined ? undefined : (url, how) => working.without(key, async () => (await context.consult?.(url, how)) ?? 'unreachable');
      const inThread = { ...context, ...(consult === undefined ? {} : { consult }) };
      return begun.take(key, signal, () =>
        turnsOfPool.take(`${depth}`, signal, () => working.take(key, signal, () => runInThread(pool, inspector.id, { exchange, context: inThread }))),
      );
    },
    close: async () => void (await Promise.all(pools.map((pool) => pool.destroy()))),
  };
}

/** A few KiB of text without any coding: cheap for every parser, hostile or not. Whatever is packed in any way may become gigabytes. */
function isLight({ body, response }: InspectedExchange): boolean {
  const coding = response.header('content-encoding')?.trim() ?? '';
  return (coding === '' || coding === 'identity') && body.size <= body.head.length && body.head.every(isTextByte);
}

function isTextByte(byte: number): boolean {
  return byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

async function runInThread(pool: Piscina, inspectorId: string, { exchange, context }: { readonly exchange: InspectedExchange; readonly context: JudgingContext }): Promise<ThreadResult> {
  const { transferable, request } = exchange;
  if (transferable === undefined) return undefined;
  const { port1, port2 } = new MessageChannel();
  answerThread(port1, context);
  const task: ThreadTask = {
    inspectorId,
    request: { method: request.method, url: request.url, origin: request.origin, path: request.path, query: request.query, ...(request.body === undefined ? {} : { body: request.body }) },
    requestFields: transferable.requestFields,
    status: exchange.response.status,
    responseFields: transferable.responseFields,
    body: transferable.body,
    sessionId: context.sessionId,
    policy: context.policy,
    configuration: context.configuration,
    rules: context.rules?.source,
    mayConsult: context.consult !== undefined,
    port: port2,
  };
  try {
    const result = (await pool.run(task, { transferList: [port2], signal: context.signal ?? null })) as ThreadResult;
    return result !== undefined && 'replacement' in result && result.replacement !== undefined
      ? { ...result, replacement: { ...result.replacement, bytes: Buffer.from(result.replacement.bytes) } }
      : result;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') throw new Error('it needed more memory than an inspection may have', { cause: error });
    throw error;
  } finally {
    port1.close();
  }
}

/** What a thread cannot do by itself: the session's knowledge, and fetching. */
function answerThread(port: MessagePort, context: InspectionContext): void {
  port.on('message', (question: ThreadQuestion) => {
    const reply = (answer: Omit<ThreadAnswer, 'id'>): void => port.postMessage({ id: question.id, ...answer });
    answer(question, context).then(
      (value) => reply({ value }),
      (error: unknown) => reply({ failure: errorMessage(error) }),
    );
  });
}

async function answer(question: ThreadQuestion, context: InspectionContext): Promise<string | undefined> {
  // An inspection whose time is over learns nothing more.
  context.signal?.throwIfAborted();
  switch (question.ask) {
    case 'get':
      return context.knowledge.get(question.key);
    case 'put':
      await context.knowledge.put(question.key, question.value);
      return undefined;
    case 'replace':
      return (await context.knowledge.replace(question.key, question.before, question.value)) ? 'replaced' : undefined;
    case 'consult':
      return (await context.consult?.(question.url, question.accept === undefined ? {} : { accept: question.accept })) ?? 'unreachable';
  }
}
