import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { errorMessage } from '../../../errors/error-message.js';
import { MillraceError } from '../../../errors/millrace-error.js';
import { createHttpClient, type HttpAnswer, type HttpClientOptions } from '../../../repository-source/http-client.js';
import { sourceLimits } from '../../../repository-source/source-limits.js';
import type { Settings } from '../../../settings/settings.js';

/** Asks an identity provider for JSON. Errors: `identity-unavailable`. */
export interface JsonRequests {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<JsonAnswer>;
  /** Of a form. */
  post(url: string, form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>): Promise<JsonAnswer>;
  close(): Promise<void>;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined unless the status is 200. */
  readonly value: unknown;
}

export interface JsonRequestsOptions extends Pick<Settings, 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa' | 'forbiddenPorts'> {
  readonly version: string;
  readonly timeoutMilliseconds: number;
  /** PEM file, instead of `upstreamCa`. */
  readonly caFile: string | undefined;
}

const bodyLimit = 512 * 1024;

export function createJsonRequests(options: JsonRequestsOptions): JsonRequests {
  const { timeoutMilliseconds } = options;
  const client = createHttpClient(clientOptions(options));

  async function ask(url: string, request: (place: URL, signal: AbortSignal) => Promise<HttpAnswer>): Promise<JsonAnswer> {
    const late = AbortSignal.timeout(timeoutMilliseconds);
    try {
      const answer = await request(new URL(url), late);
      if (answer.status === 200) return { status: 200, value: JSON.parse(await readText(answer, late)) as unknown };
      answer.discard();
      return { status: answer.status, value: undefined };
    } catch (error) {
      throw unavailable(late.aborted ? `${url} does not answer within ${timeoutMilliseconds / 1000} s` : `${url} gives no answer that can be used: ${errorMessage(error).slice(0, 300)}`, error);
    }
  }

  return {
    get: (url, headers = {}) => ask(url, (place, signal) => client.get(place, { accept: 'application/json', ...headers }, signal)),
    post: (url, form, headers) => ask(url, (place, signal) => client.post(place, { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers }, Buffer.from(new URLSearchParams(form).toString()), signal)),
    close: () => client.close(),
  };
}

/** `reason` is for the log. */
export function unavailable(reason: string, cause?: unknown): MillraceError {
  return new MillraceError('identity-unavailable', 'who vouches for the credentials does not answer', { cause: new Error(reason, { cause }), suggestion: 'Try again in a moment.' });
}

export function checkedAnswer<Value>(schema: z.ZodType<Value>, value: unknown, what: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw unavailable(`${what} is not what it should be: ${problem?.path.join('.').slice(0, 100) || 'the document'}: ${problem?.message.slice(0, 200)}`);
}

/** Where the provider is, the operator says: any address but the service's own ports. */
function clientOptions({ forbiddenPorts, upstreamProxy, upstreamNoProxy, upstreamCa, caFile, version, timeoutMilliseconds }: JsonRequestsOptions): HttpClientOptions {
  if (caFile !== undefined) readFileSync(caFile);
  return {
    allow: ['0.0.0.0/0', '::/0'],
    forbiddenPorts,
    upstreamProxy,
    upstreamNoProxy,
    upstreamCa: caFile ?? upstreamCa,
    userAgent: `millrace/${version}`,
    limits: { ...sourceLimits, redirects: 0, progressTime: timeoutMilliseconds },
  };
}

async function readText({ body }: HttpAnswer, late: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    late.throwIfAborted();
    size += chunk.length;
    if (size > bodyLimit) throw new Error(`it is larger than ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
