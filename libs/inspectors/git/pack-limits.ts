import { limitExceeded } from '../../inspection/refusal.js';

export interface PackLimits {
  readonly objects: number;
  /** Deltas upon deltas; git itself makes at most 4,095. */
  readonly depth: number;
  /** Bytes of an object that must be in memory as a whole: trees, commits, tags, deltas, what they are made from and what they make. */
  readonly objectBytes: number;
  /** Bytes of all that is inflated or rebuilt. */
  readonly totalBytes: number;
  /** Bytes of objects that are kept because another may be a delta upon them. */
  readonly cacheBytes: number;
}

export const packLimits: PackLimits = { objects: 2_000_000, depth: 4096, objectBytes: 128 * 1024 ** 2, totalBytes: 64 * 1024 ** 3, cacheBytes: 96 * 1024 ** 2 };

/** Called with the bytes of each piece of work. Throws past the total and when the inspection was aborted. */
export type Pace = (bytes: number) => void | Promise<void>;

const bytesAtOnce = 4 * 1024 ** 2;
const callsAtOnce = 256;

/** Lets others have the event loop after every few megabytes or objects. */
export function createPace(signal: AbortSignal | undefined, totalBytes: number): Pace {
  let total = 0;
  let bytesSince = 0;
  let callsSince = 0;
  return (bytes) => {
    total += bytes;
    bytesSince += bytes;
    callsSince += 1;
    if (total > totalBytes) throw limitExceeded(`the pack unpacks to more than ${totalBytes} bytes`);
    if (bytesSince < bytesAtOnce && callsSince < callsAtOnce) return undefined;
    bytesSince = 0;
    callsSince = 0;
    signal?.throwIfAborted();
    return new Promise((resolve) => setImmediate(resolve));
  };
}
