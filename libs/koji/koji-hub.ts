import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { HttpAnswer, HttpClient } from '../repository-source/http-client.js';
import { readXmlRpc, rpcLimits, type RpcLimits } from './read-xml-rpc.js';
import type { RpcStruct, RpcValue } from './rpc-value.js';
import { writeXmlRpc } from './write-xml-rpc.js';

export interface RpcCall {
  readonly method: string;
  readonly params: readonly RpcValue[];
}

/**
 * A Koji hub, asked anonymously. Errors: `source-unavailable` (cannot be reached, stalls, is in maintenance; worth another attempt), `source-invalid`
 * (answers a fault, or what is no XML-RPC), `forbidden` (an address that policy does not allow).
 */
export interface KojiHub {
  readonly url: string;
  call(method: string, params: readonly RpcValue[], signal: AbortSignal): Promise<RpcValue>;
  /** Several in requests of 100 calls each; the answers in their order. The first fault is thrown. */
  callAll(calls: readonly RpcCall[], signal: AbortSignal): Promise<readonly RpcValue[]>;
}

export interface KojiHubOptions {
  readonly url: string;
  readonly client: Pick<HttpClient, 'post'>;
  readonly limits?: Partial<RpcLimits>;
  /** Milliseconds that one call may take in all, however steadily its answer comes. */
  readonly callTime?: number;
}

const callsAtOnce = 100;
const longestCall = 15 * 60_000;
/** Of Koji: a lock that is held, a call to be tried again, a server that is offline. */
const passing: ReadonlySet<number> = new Set([1001, 1009, 1014]);

export function createKojiHub({ url, client, limits, callTime = longestCall }: KojiHubOptions): KojiHub {
  const place = new URL(url);
  const allLimits = { ...rpcLimits, ...limits };

  async function call(method: string, params: readonly RpcValue[], signal: AbortSignal): Promise<RpcValue> {
    const late = AbortSignal.timeout(callTime);
    try {
      const body = Buffer.from(writeXmlRpc({ kind: 'call', method, params }));
      const answer = await client.post(place, { 'content-type': 'text/xml', accept: 'text/xml' }, body, AbortSignal.any([signal, late]));
      return await readAnswer(answer, method, late);
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted) throw new MillraceError('source-unavailable', `the Koji hub ${url} has not answered ${method} within ${callTime / 1000} s`, { cause: error });
      throw error;
    }
  }

  async function readAnswer(answer: HttpAnswer, method: string, late: AbortSignal): Promise<RpcValue> {
    try {
      refuseStatus(answer, method);
      const message = await readXmlRpc(untilLate(answer.body, late), allLimits).catch((error: unknown) => {
        if (!isMillraceError(error) || (error.code !== 'invalid-request' && error.code !== 'payload-too-large')) throw error;
        throw new MillraceError('source-invalid', `what ${url} answers to ${method} is not an answer of a Koji hub: ${error.message}`, { cause: error });
      });
      if (message.kind === 'call') throw new MillraceError('source-invalid', `${url} answers ${method} with a call of its own`);
      if (message.kind === 'fault') throw faultError(method, message);
      return message.value;
    } finally {
      answer.discard();
    }
  }

  function refuseStatus({ status }: HttpAnswer, method: string): void {
    if (status === 200) return;
    const code = status >= 500 || status === 408 || status === 429 ? 'source-unavailable' : 'source-invalid';
    throw new MillraceError(code, `the Koji hub ${url} answers ${method} with HTTP ${status}`, code === 'source-invalid' ? { suggestion: 'MILLRACE_KOJI_HUB is the address of its XML-RPC service; it ends with /kojihub in most places.' } : {});
  }

  function faultError(method: string, { code, text }: { readonly code: number; readonly text: string }): MillraceError {
    return new MillraceError(passing.has(code) ? 'source-unavailable' : 'source-invalid', `the Koji hub ${url} answers ${method} with fault ${code}: ${plain(text)}`, { cause: { faultCode: code } });
  }

  async function callSome(calls: readonly RpcCall[], signal: AbortSignal): Promise<readonly RpcValue[]> {
    const answers = await call('multiCall', [calls.map(({ method, params }) => ({ methodName: method, params }))], signal);
    if (!Array.isArray(answers) || answers.length !== calls.length) throw new MillraceError('source-invalid', `the Koji hub ${url} answers ${calls.length} calls in one with something else than their answers`);
    return calls.map(({ method }, index) => {
      const answer = (answers as readonly RpcValue[])[index] as RpcValue;
      if (Array.isArray(answer) && answer.length === 1) return answer[0] as RpcValue;
      const { faultCode, faultString } = (answer ?? {}) as RpcStruct;
      if (typeof faultCode !== 'number' || typeof faultString !== 'string') throw new MillraceError('source-invalid', `the Koji hub ${url} answers ${method} with neither a value nor a fault`);
      throw faultError(method, { code: faultCode, text: faultString });
    });
  }

  return {
    url,
    call,
    async callAll(calls, signal) {
      const answers: RpcValue[] = [];
      for (let from = 0; from < calls.length; from += callsAtOnce) answers.push(...(await callSome(calls.slice(from, from + callsAtOnce), signal)));
      return answers;
    },
  };
}

async function* untilLate(body: AsyncIterable<Buffer>, late: AbortSignal): AsyncGenerator<Buffer, void> {
  for await (const chunk of body) {
    late.throwIfAborted();
    yield chunk;
  }
}

/** Servers put SQL and traces of their own into faults. */
function plain(text: string): string {
  const [line = ''] = text.split(/[\r\n]/);
  return line.replace(/[\0-\x1f\x7f]/g, ' ').slice(0, 300);
}
