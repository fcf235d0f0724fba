import type { Readable } from 'node:stream';
import { setImmediate as afterPoll } from 'node:timers/promises';
import { HttpException } from '@nestjs/common';
import { withDeadline } from '../http/with-deadline.js';

export interface Pace {
  /** Milliseconds that a client is waited for, in sum, until it must have sent `bytes`; then it begins anew. */
  readonly milliseconds: number;
  readonly bytes: () => number;
}

/** The bytes of a client that sends as fast as it is read. Whoever drips ends with 408: the time that we take ourselves is not counted. */
export async function* paced(body: Readable, { milliseconds, bytes }: Pace): AsyncGenerator<Buffer, void, undefined> {
  // Whoever leaves before the end leaves the connection: there is an answer to give on it.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  let waited = 0;
  let got = 0;
  for (;;) {
    const begun = performance.now();
    const next = await inTime(chunks.next(), Math.max(1, milliseconds - waited));
    if (next.done === true) return;
    waited += performance.now() - begun;
    got += next.value.length;
    if (got >= bytes()) [waited, got] = [0, 0];
    yield next.value;
  }
}

/** A process that was busy itself learns only after the time is over what has come within it. */
async function inTime<Value>(coming: Promise<Value>, milliseconds: number): Promise<Value> {
  try {
    return await withDeadline(coming, milliseconds, tooSlow);
  } catch (error) {
    const come = await Promise.race([coming, afterPoll(undefined)]);
    if (come === undefined) throw error;
    return come;
  }
}

function tooSlow(): HttpException {
  return new HttpException('Request Timeout', 408);
}
