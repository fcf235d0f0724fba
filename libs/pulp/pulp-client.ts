import { z } from 'zod';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { HttpAnswer, HttpClient } from '../repository-source/http-client.js';

/**
 * The REST API of a Pulp server. Errors: `source-unavailable` (cannot be reached, stalls, answers 5xx; worth another attempt), `source-invalid` (refuses
 * the login, redirects, answers what is no JSON of the wanted shape), `forbidden` (an address that policy does not allow).
 */
export interface PulpClient {
  /** Undefined: there is none (404). `place`: below the server's URL, percent-encoded. */
  get<T>(place: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined>;
  post<T>(place: string, body: object, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
}

export interface PulpClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  /** Answers redirects as they are: they would carry the login elsewhere. */
  readonly http: Pick<HttpClient, 'get' | 'post'>;
  /** Value of that header field; undefined: none, or TLS says who asks. */
  readonly authorization: string | undefined;
  /** Bytes of an answer. */
  readonly largestAnswer?: number;
  /** Milliseconds for one answer, however steadily it comes. */
  readonly callTime?: number;
}

const text = z.string().catch('');
const problem = z.object({ error_message: text, detail: text });

export function createPulpClient({ url, http, authorization, largestAnswer = 32 * 1024 ** 2, callTime = 120_000 }: PulpClientOptions): PulpClient {
  const headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };

  async function ask<T>(place: string, signal: AbortSignal, send: (to: URL, stop: AbortSignal) => Promise<HttpAnswer>, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(callTime);
    try {
      const answer = await send(new URL(`${url}${place}`), AbortSignal.any([signal, late]));
      try {
        return await read(answer);
      } finally {
        answer.discard();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted) throw new MillraceError('source-unavailable', `the Pulp server ${url} has not answered ${pathOf(place)} within ${callTime / 1000} s`, { cause: error });
      throw error;
    }
  }

  async function readJson<T>(answer: HttpAnswer, place: string, schema: z.ZodType<T>): Promise<T> {
    const body = await readBody(answer, place);
    if (answer.status !== 200) throw refusedStatus(answer, place, body);
    const parsed = schema.safeParse(parse(body, place));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new MillraceError('source-invalid', `the Pulp server ${url} answers ${pathOf(place)} with something else than Pulp does: ${issue?.path.join('.').slice(0, 100) || 'the answer'}: ${issue?.message.slice(0, 200)}`, { suggestion: wrongServer });
  }

  async function readBody(answer: HttpAnswer, place: string): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > largestAnswer) throw new MillraceError('source-invalid', `the Pulp server ${url} answers ${pathOf(place)} with more than ${largestAnswer} bytes`);
      parts.push(chunk);
    }
    return Buffer.concat(parts).toString('utf8');
  }

  function parse(body: string, place: string): unknown {
    try {
      return JSON.parse(body);
    } catch (cause) {
      throw new MillraceError('source-invalid', `the Pulp server ${url} answers ${pathOf(place)} with what is no JSON: ${errorMessage(cause).slice(0, 100)}`, { suggestion: wrongServer });
    }
  }

  function refusedStatus({ status, header }: HttpAnswer, place: string, body: string): MillraceError {
    const reason = `the Pulp server ${url} answers ${pathOf(place)} with HTTP ${status}${explain(body)}`;
    if (status >= 500 || status === 408 || status === 429) return new MillraceError('source-unavailable', reason);
    if (status === 401 || status === 403) return new MillraceError('source-invalid', reason, { suggestion: 'Correct username, password or certificate in the file of MILLRACE_PULP, and what that account may read.' });
    if (status >= 300 && status < 400) return new MillraceError('source-invalid', `${reason}, to ${plain(header('location') ?? 'nowhere')}`, { suggestion: 'Set url in the file of MILLRACE_PULP to where Pulp really is.' });
    return new MillraceError('source-invalid', reason, { suggestion: wrongServer });
  }

  return {
    get: (place, schema, signal) =>
      ask(
        place,
        signal,
        (to, stop) => http.get(to, headers, stop),
        async (answer) => (answer.status === 404 ? undefined : readJson(answer, place, schema)),
      ),
    post: (place, body, schema, signal) =>
      ask(
        place,
        signal,
        (to, stop) => http.post(to, { ...headers, 'content-type': 'application/json' }, Buffer.from(JSON.stringify(body)), stop),
        (answer) => readJson(answer, place, schema),
      ),
  };
}

const wrongServer = 'Compare url and version in the file of MILLRACE_PULP with the server.';

/** What Pulp 2 and 3 say of an error; HTML of a proxy is left out. */
function explain(body: string): string {
  try {
    const { error_message: message, detail } = problem.parse(JSON.parse(body));
    const said = plain(message || detail);
    return said === '' ? '' : `: ${said}`;
  } catch {
    return '';
  }
}

/** Queries are long and say nothing to a reader. */
function pathOf(place: string): string {
  return place.replace(/\?.*$/s, '');
}

function plain(said: string): string {
  return said.replace(/[\0-\x1f\x7f]/g, ' ').slice(0, 300);
}
