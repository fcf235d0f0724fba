import { status } from '@grpc/grpc-js';
import { untilAborted } from './until-aborted.js';
import { statusError } from './grpc-status.js';

/** A stream whose other end is silent, or takes nothing, holds files and places: it is given up. `milliseconds`: how long it may be so. Rejects at once with the reason of the signal. */
export async function streamTimeout<Value>(progress: Promise<Value>, milliseconds: number, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(statusError(status.DEADLINE_EXCEEDED, `the stream stood still for ${Math.round(milliseconds / 1000)} s`)), milliseconds);
  try {
    return await Promise.race([untilAborted(progress, signal), promise]);
  } finally {
    clearTimeout(timer);
  }
}
