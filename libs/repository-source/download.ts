import { setTimeout as sleep } from 'node:timers/promises';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { HttpAnswer, HttpClient } from './http-client.js';
import type { SourceLimits } from './source-limits.js';

export interface DownloadOptions {
  /** Bytes that a sound file has at most. */
  readonly limit: number;
  /** Bytes that it has to have; undefined: not known. */
  readonly size?: number | undefined;
  /** No digest will tell whether the bytes belong together: nothing is resumed, and nothing taken that the server has encoded. */
  readonly unchecked?: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (() => void) | undefined;
}

/** What is worth bringing again from the middle on. */
const progress = 64 * 1024;
const longestDelay = 30_000;

/**
 * The bytes of a file. A broken transfer goes on where it broke off (Range with If-Range), so the bytes may be of two states of the file: the caller checks
 * a digest. Errors: `source-unavailable`, `source-changed` (has another length, or was replaced meanwhile), `source-invalid`, `forbidden`.
 */
export async function* download(client: HttpClient, url: URL, options: DownloadOptions, limits: SourceLimits): AsyncGenerator<Buffer, void> {
  const state = { received: 0, validator: undefined as string | undefined };
  let [failures, mark] = [0, 0];
  for (let connections = 1; ; connections += 1) {
    let failure: MillraceError;
    try {
      yield* attempt(client, url, state, options);
      return;
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'source-unavailable') throw error;
      failure = error;
    }
    if (options.unchecked === true && state.received > 0) throw failure;
    if (state.received - mark >= progress) [failures, mark] = [0, state.received];
    failures += 1;
    if (failures >= limits.attempts || connections >= limits.connections) throw failure;
    await sleep(delayBefore(failure, failures, limits), undefined, { signal: options.signal });
  }
}

async function* attempt(client: HttpClient, url: URL, state: { received: number; validator: string | undefined }, options: DownloadOptions): AsyncGenerator<Buffer, void> {
  const { received } = state;
  const range = received === 0 ? {} : { range: `bytes=${received}-`, ...(state.validator === undefined ? {} : { 'if-range': state.validator }) };
  const answer = await client.get(url, range, options.signal);
  try {
    let skip = startsAt(answer, state, options);
    state.validator = validatorOf(answer);
    for await (const chunk of answer.body) {
      options.signal.throwIfAborted();
      options.onProgress?.();
      // A server without ranges sends again what is here already.
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      if (fresh.length === 0) continue;
      state.received += fresh.length;
      if (state.received > options.limit) throw tooLong(url, options);
      yield fresh;
    }
  } finally {
    answer.discard();
  }
  if (options.size !== undefined && state.received !== options.size) throw otherLength(url, state.received, options.size);
}

/** How many bytes of the body are known already. */
function startsAt(answer: HttpAnswer, { received, validator }: { readonly received: number; readonly validator: string | undefined }, options: DownloadOptions): number {
  const { status, url } = answer;
  if (status === 206 && received > 0) {
    const start = /^bytes (\d{1,15})-/.exec(answer.header('content-range') ?? '')?.[1];
    if (start === undefined || Number(start) !== received) throw new MillraceError('source-invalid', `${url.href}: the server answers with another part of the file than it was asked for`);
    return 0;
  }
  if (status === 416 && received > 0) throw otherLength(url, received, options.size);
  if (status !== 200) throw refusedStatus(answer);
  if (received > 0 && validator !== undefined && validatorOf(answer) !== validator) throw new MillraceError('source-changed', `${url.href} was replaced while it was read`);
  if (options.unchecked === true && (answer.header('content-encoding') ?? 'identity') !== 'identity') throw new MillraceError('source-invalid', `${url.href}: the server encodes the document, although it was asked not to`);
  const length = contentLength(answer);
  if (length !== undefined && options.size !== undefined && length !== options.size) throw otherLength(url, length, options.size);
  if (length !== undefined && length > options.limit) throw tooLong(url, options);
  return received;
}

function refusedStatus(answer: HttpAnswer): MillraceError {
  const { status, url } = answer;
  if (status >= 500 || status === 408 || status === 429) {
    const after = answer.header('retry-after');
    return new MillraceError('source-unavailable', `${url.href}: the server answers ${status}`, { cause: { retryAfter: after !== undefined && /^\d{1,4}$/.test(after) ? Number(after) : undefined } });
  }
  if (status === 404 || status === 410) return new MillraceError('source-invalid', `${url.href} does not exist (the server answers ${status})`, { cause: { missing: true } });
  if (status === 401 || status === 403) return new MillraceError('source-invalid', `${url.href}: the server does not let Millrace read it (${status})`);
  return new MillraceError('source-invalid', `${url.href}: the server answers ${status}, not the file`);
}

/** Whether the server said that there is no such file. */
export function isMissingFile(error: unknown): boolean {
  return isMillraceError(error) && (error.cause as { missing?: unknown } | undefined)?.missing === true;
}

function delayBefore(failure: MillraceError, failures: number, limits: SourceLimits): number {
  const asked = (failure.cause as { retryAfter?: number } | undefined)?.retryAfter;
  const own = limits.retryDelay * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
  return Math.min(longestDelay, Math.max(own, (asked ?? 0) * 1000));
}

/** A weak tag cannot name bytes. */
function validatorOf(answer: HttpAnswer): string | undefined {
  const tag = answer.header('etag');
  return tag !== undefined && !tag.startsWith('W/') ? tag : answer.header('last-modified');
}

function contentLength(answer: HttpAnswer): number | undefined {
  const text = answer.header('content-length');
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function tooLong(url: URL, { limit, size }: DownloadOptions): MillraceError {
  if (size !== undefined) return new MillraceError('source-changed', `${url.href} has more than the ${size} bytes that the metadata declare`);
  return new MillraceError('source-invalid', `${url.href} has more than ${limit} bytes, the most that is accepted`);
}

function otherLength(url: URL, found: number, size: number | undefined): MillraceError {
  const declared = size === undefined ? 'it had before' : `the ${size} bytes that the metadata declare`;
  return new MillraceError('source-changed', `${url.href} has ${found} bytes instead of ${declared}: it was changed, or its server is in the middle of an update`);
}
