import type { Readable } from 'node:stream';
import { request as sendRequest } from 'undici';
import { z } from 'zod';
import { errorTable } from '../../libs/errors/error-table.js';
import { MillraceError, isMillraceError } from '../../libs/errors/millrace-error.js';
import type { ErrorCode } from '../../libs/errors/millrace-error.js';
import type { ServiceAddress } from './service-address.js';

export interface ControlRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query, from the root of the control API. */
  readonly path: string;
  readonly body?: object;
  /** Milliseconds until the call is given up. */
  readonly timeout?: number;
  readonly header?: Readonly<Record<string, string>>;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
}

/** `message` is what `/api/1` says, in ODCS's shape. */
const problemSchema = z.object({ code: z.string(), detail: z.string(), message: z.string(), suggestion: z.string(), mistakes: z.array(z.looseObject({})) }).partial();

/** Covers a revoke that waits for the lease of a dead proxy, and a slow network. */
const usualTimeout = 30_000;
/** Milliseconds: the service may take long to put away what it was sent. */
const longestSilence = 20 * 60_000;

/** The control API over `fetch`. Every failure is a `MillraceError`; answers are parsed by the caller. */
export class ControlClient {
  readonly #service: ServiceAddress;

  constructor(service: ServiceAddress) {
    this.#service = service;
  }

  async json(request: ControlRequest): Promise<unknown> {
    const text = await this.text(request);
    return text.trim() === '' ? null : parseAnswer(text, request, this.#service);
  }

  /** Base URL of the service, without a slash at its end. */
  get address(): string {
    return this.#service.control;
  }

  /** JSON that a file is answered with, sent as it is read; it may take as long as it goes on. */
  async send(request: Omit<ControlRequest, 'body' | 'timeout'>, { stream, size }: { readonly stream: () => Readable; readonly size: number }): Promise<unknown> {
    const content = stream();
    try {
      const { statusCode, body } = await sendRequest(`${this.#service.control}${request.path}`, {
        method: request.method,
        headers: { authorization: this.#service.authorization, 'content-type': 'application/octet-stream', 'content-length': String(size), ...request.header },
        body: content,
        headersTimeout: longestSilence,
        bodyTimeout: longestSilence,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      const text = await body.text();
      if (statusCode >= 300) throw answeredError({ method: request.method, path: request.path }, statusCode, text);
      return parseAnswer(text, request, this.#service);
    } catch (cause) {
      if (isMillraceError(cause)) throw cause;
      throw this.#unavailable(cause);
    } finally {
      content.destroy();
    }
  }

  /** Bytes as they come; whoever does not read them to their end destroys the stream. */
  async receive(request: Omit<ControlRequest, 'body' | 'timeout'>): Promise<Readable> {
    try {
      const { statusCode, body } = await sendRequest(`${this.#service.control}${request.path}`, {
        method: request.method,
        headers: { authorization: this.#service.authorization, ...request.header },
        headersTimeout: usualTimeout,
        bodyTimeout: longestSilence,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      });
      if (statusCode !== 200) throw answeredError(request, statusCode, await body.text());
      return body;
    } catch (cause) {
      if (isMillraceError(cause)) throw cause;
      throw this.#unavailable(cause);
    }
  }

  async text(request: ControlRequest): Promise<string> {
    const response = await this.#send(request);
    const text = await this.#readBody(response, request);
    if (!response.ok) throw answeredError(request, response.status, text);
    return text;
  }

  async #send(request: ControlRequest): Promise<Response> {
    const header: Record<string, string> = { authorization: this.#service.authorization, ...request.header };
    if (request.body !== undefined) header['content-type'] = 'application/json';
    try {
      return await fetch(`${this.#service.control}${request.path}`, {
        method: request.method,
        headers: header,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(request.timeout ?? usualTimeout), ...(request.signal === undefined ? [] : [request.signal])]),
      });
    } catch (cause) {
      throw this.#unavailable(cause);
    }
  }

  async #readBody(response: Response, request: ControlRequest): Promise<string> {
    try {
      return await response.text();
    } catch (cause) {
      throw new MillraceError('service-unavailable', `${request.method} ${request.path}: the connection broke before the answer was whole`, { cause });
    }
  }

  #unavailable(cause: unknown): MillraceError {
    const { control, source } = this.#service;
    const why = cause instanceof Error && cause.name === 'TimeoutError' ? 'did not answer in time' : `cannot be reached (${reasonOf(cause)})`;
    return new MillraceError('service-unavailable', `the Millrace service at ${control} ${why}`, {
      cause,
      suggestion: `The address comes from ${source}. Start a service with \`npm start\`, or name another with --server URL.`,
    });
  }
}

function parseAnswer(text: string, { method, path }: Pick<ControlRequest, 'method' | 'path'>, { control, source }: ServiceAddress): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MillraceError('internal', `${method} ${path}: the answer is not JSON`, { cause, suggestion: `Is ${control} (${source}) a Millrace control API?` });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const { code, message } = cause as { code?: string; message?: string };
  return code ?? message ?? String(cause);
}

/** Our endpoints answer problem+json with a code (RFC 9457); what stands between may answer anything. */
function answeredError(request: ControlRequest, status: number, text: string): MillraceError {
  const problem = parseProblem(text);
  const code = problem.code !== undefined && problem.code in errorTable ? (problem.code as ErrorCode) : codeOfStatus(status, request.path);
  const suggestion = problem.suggestion ?? suggestions[code];
  return new MillraceError(code, problem.detail ?? problem.message ?? `${request.method} ${request.path}: HTTP status ${status}`, { ...(suggestion === undefined ? {} : { suggestion }), ...(problem.mistakes === undefined ? {} : { details: problem.mistakes }) });
}

const suggestions: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'Set MILLRACE_CONTROL_AUTH to the user:password of the control API, or MILLRACE_HOME to the home of the service.',
  'session-token-active': 'Revoke it first: millrace session revoke ID.',
  'policy-not-allowed': 'The service takes permissive sessions only when it runs with MILLRACE_PERMISSIVE=1.',
};

/** ODCS's errors have no codes. */
const composeCodes: Readonly<Record<number, ErrorCode>> = { 403: 'forbidden', 404: 'compose-not-found', 409: 'compose-closed', 422: 'idempotency-conflict', 507: 'storage-full' };

function codeOfStatus(status: number, path: string): ErrorCode {
  if (path.startsWith('/api/1/') && status in composeCodes) return composeCodes[status] as ErrorCode;
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 502 || status === 503 || status === 504) return 'service-unavailable';
  return status >= 500 ? 'internal' : 'invalid-request';
}

function parseProblem(text: string): z.infer<typeof problemSchema> {
  try {
    return problemSchema.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
