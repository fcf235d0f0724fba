import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { patienceToBegin, type RateWaiting } from '../../../libs/cache-access/cache-rates.js';
import { judgedEvery, keepJudging } from '../../../libs/cache-access/keep-judging.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { clientGone } from '../http/client-gone.js';
import { isBodyHeld, wantBody } from '../http/expect-continue.js';
import { liftDeadline, startDeadline } from '../http/request-deadline.js';
import { paced } from '../repositories/paced.js';
import { UploadSlots } from '../repositories/upload-slots.js';

/** Pushes that are taken in at once; the others wait, and so do their clients. */
const slotCount = 64;
/** Bytes that a client sends at least in the time that it has for any other request; more while others wait for a place. */
const leastBytes = 16 * 1024;
const leastWhileOthersWait = 512 * 1024;
/** Milliseconds without a byte, in either direction: a store may take long to put together what it has been given. */
const silence = 15 * 60_000;

export interface IncomingBody {
  readonly content: AsyncIterable<Buffer>;
  /** As the client has declared it; undefined: it comes in chunks. */
  readonly size: number | undefined;
  /** Aborts when the client has gone, or may not push any more. */
  readonly signal: AbortSignal;
}

export interface BodyOptions<Admitted> {
  /** Whether the body is wanted at all; the client has not been asked for it yet. */
  readonly admit: () => Promise<Admitted>;
  /** Bytes that have come: waits where they come too fast; others who wait for a place do not wait for that. */
  readonly count: (admitted: Admitted, bytes: number, waiting: RateWaiting) => Promise<void>;
  /** Whether the client may go on; asked again and again while its body comes. */
  readonly judge: (admitted: Admitted) => Promise<void>;
  /** Bytes that have come. */
  readonly came: (admitted: Admitted, bytes: number) => void;
}

/** Takes in bodies of any size at the pace of their clients: nothing of them is kept here. */
export class BodyIntake {
  readonly #slots = new UploadSlots(slotCount);
  readonly #clientMilliseconds: number;

  constructor(clientMilliseconds: number) {
    this.#clientMilliseconds = clientMilliseconds;
  }

  /** Errors: those of `admit`, `count` and `work`; `invalid-request`, `payload-too-large`. */
  async take<Admitted extends { readonly instance: CacheInstance }, Result>(request: FastifyRequest, reply: FastifyReply, { admit, count, judge, came, work }: BodyOptions<Admitted> & { readonly work: (admitted: Admitted, body: IncomingBody) => Promise<Result> }): Promise<Result> {
    liftDeadline(request.raw);
    const lost = new AbortController();
    const signal = AbortSignal.any([clientGone(request, silence), lost.signal]);
    let stopJudging = (): void => undefined;
    try {
      const admitted = await admit();
      stopJudging = keepJudging({ judge: () => judge(admitted), lost: (error) => lost.abort(error), every: Math.min(judgedEvery, this.#clientMilliseconds) });
      const size = declaredSize(request, admitted.instance.blobBytes);
      const leave = await this.#slots.enter(signal);
      try {
        return await work(admitted, { content: this.#incoming(request, reply, { size, signal, came: (bytes) => came(admitted, bytes), count: (bytes) => count(admitted, bytes, this.#slots.areWanted() ? { signal, patience: patienceToBegin } : { signal }) }), size, signal });
      } finally {
        leave();
      }
    } finally {
      stopJudging();
      if (isBodyHeld(request.raw)) void reply.header('connection', 'close');
      // What is left of a body that nobody wants is read for as long as its client may take to see the answer.
      startDeadline(request.raw, this.#clientMilliseconds);
      request.raw.unpipe();
      request.raw.resume();
    }
  }

  async *#incoming(request: FastifyRequest, reply: FastifyReply, { size, signal, count, came }: Incoming): AsyncGenerator<Buffer, void, undefined> {
    wantBody(request.raw, reply.raw);
    const body = request.body as Readable | undefined;
    if (body === undefined || size === 0) return;
    for await (const chunk of paced(body, { milliseconds: this.#clientMilliseconds, bytes: () => (this.#slots.areWanted() ? leastWhileOthersWait : leastBytes) })) {
      signal.throwIfAborted();
      came(chunk.length);
      await count(chunk.length);
      yield chunk;
    }
  }
}

interface Incoming {
  readonly size: number | undefined;
  readonly signal: AbortSignal;
  readonly count: (bytes: number) => Promise<void>;
  readonly came: (bytes: number) => void;
}

function declaredSize({ headers }: FastifyRequest, most: number): number | undefined {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new MillraceError('invalid-request', 'Content-Encoding: bodies are kept as they are, and must not be encoded');
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && !/^\s*chunked\s*$/i.test(transfer)) throw new MillraceError('invalid-request', 'Transfer-Encoding: a body comes as it is, or chunked and nothing else');
  if (headers['content-range'] !== undefined) throw new MillraceError('invalid-request', 'Content-Range: a thing is pushed as a whole');
  const length = headers['content-length'];
  if (length === undefined) return transfer === undefined ? 0 : undefined;
  const size = Number(length);
  if (size > most) throw new MillraceError('payload-too-large', `one thing in this cache may have ${most} bytes, this one has ${size}`, { suggestion: 'blob-bytes of the instance is the limit.' });
  return size;
}
