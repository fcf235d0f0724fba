import { MillraceError } from '../errors/millrace-error.js';
import type { WantedDownload } from './asset-downloads.js';

/** One download for all who want the same. */
export interface Flights<Result> {
  /** Undefined: this caller's time was over; the flight goes on. Rejects with the reason of the signal when this caller left, and with what the flight rejects with. */
  join(wanted: WantedDownload, waiting: { readonly signal: AbortSignal; readonly timeout: number | undefined }, start: (signal: AbortSignal) => Promise<Result>): Promise<Result | undefined>;
  /** Ends what is under way, and waits for it. */
  close(): Promise<void>;
}

interface Flight<Result> {
  readonly startedAt: number;
  readonly result: Promise<Result>;
}

/** Downloads of one process at a time: each has a session, a connection and a file. */
const limit = 64;

export function createFlights<Result>({ longest }: { readonly longest: number }): Flights<Result> {
  const running = new Map<string, Flight<Result>>();
  const all = new Set<Promise<unknown>>();
  const closing = new AbortController();

  function begin(key: string, start: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    if (all.size >= limit) throw new MillraceError('quota-exceeded', `${limit} downloads are under way already`, { suggestion: 'Try again when some of them have ended.' });
    const startedAt = Date.now();
    const result = start(AbortSignal.any([closing.signal, AbortSignal.timeout(longest)]));
    const flight = { startedAt, result };
    running.set(key, flight);
    const landed = result.catch(() => undefined).finally(() => {
      all.delete(landed);
      if (running.get(key) === flight) running.delete(key);
    });
    all.add(landed);
    return flight;
  }

  return {
    async join(wanted, { signal, timeout }, start) {
      signal.throwIfAborted();
      closing.signal.throwIfAborted();
      const key = flightKey(wanted);
      const under = running.get(key);
      const flight = under !== undefined && (wanted.notBefore === undefined || under.startedAt >= Date.parse(wanted.notBefore)) ? under : begin(key, start);
      return await waitFor(flight.result, signal, Math.min(timeout ?? longest, longest));
    },
    async close() {
      closing.abort(new MillraceError('service-unavailable', 'the cache is being stopped'));
      await Promise.all(all);
    },
  };
}

async function waitFor<Result>(result: Promise<Result>, signal: AbortSignal, milliseconds: number): Promise<Result | undefined> {
  const over = new AbortController();
  const ended = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => ended.resolve(undefined), milliseconds);
  signal.addEventListener('abort', () => ended.reject(signal.reason), { signal: over.signal });
  try {
    return await Promise.race([result, ended.promise]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** With the fields of one caller's credentials: another with others does not get what these gave. */
function flightKey({ instance, uri, qualifiers, headers, checksum, digestFunction }: WantedDownload): string {
  return JSON.stringify([instance, uri, digestFunction, Object.entries(qualifiers).sort(), Object.entries(headers).sort(), checksum?.algorithm, checksum?.values.map((value) => value.toString('base64'))]);
}
