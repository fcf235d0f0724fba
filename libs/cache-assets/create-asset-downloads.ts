import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createBlobHash } from '../cache-engine/blob-hash.js';
import { spooledBlob, type SpooledBlob } from '../cache-engine/spooled-blob.js';
import type { CacheDigest } from '../cache/cache-digest.js';
import type { CacheFetching } from '../cache/cache-instance.js';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { AssetCall } from './asset-call.js';
import type { AssetServices } from './asset-services.js';
import type { AssetDownloads, DownloadOutcome, OriginFailure, WantedDownload } from './asset-downloads.js';
import { matchesChecksum } from './checksum-sri.js';
import { createFlights } from './download-flights.js';
import type { FetchSession, FetchSessions } from './fetch-sessions.js';
import { throughProxy, type ProxyPlace } from './proxied-download.js';

export interface AssetDownloadOptions extends Pick<AssetServices, 'cache' | 'access'> {
  readonly sessions: FetchSessions;
  readonly proxy: () => Promise<ProxyPlace>;
  /** A folder for bodies under way, on the file system of the store where that is a directory. */
  readonly spool: () => Promise<string>;
  /** Origins see it as `millrace/<version>`. */
  readonly version: string;
  /** Told of sessions that could not be ended; their timeout ends them. */
  readonly warn: (message: string, error: unknown) => void;
  /** Milliseconds of one download at most. */
  readonly longest?: number;
}

const defaultLongest = 15 * 60_000;

/** Downloads by the sessions of this service. Several who ask for the same wait for one. */
export function createAssetDownloads(options: AssetDownloadOptions): AssetDownloads & { close(): Promise<void> } {
  const { cache } = options;
  const longest = options.longest ?? defaultLongest;
  const flights = createFlights<DownloadOutcome>({ longest });
  return {
    allowed: (instance) => cache.instance(instance).fetch !== undefined,
    async download(wanted, call) {
      const url = URL.parse(wanted.uri);
      if (url === null || !/^https?:$/.test(url.protocol)) throw new MillraceError('invalid-request', `${wanted.uri} is no URL of http or https`);
      if (url.username !== '' || url.password !== '') throw new MillraceError('invalid-request', 'a URL must not hold a user or a password, because names of assets are recorded', { suggestion: 'Give them by the qualifier http_header:Authorization.' });
      const outcome = await flights.join(wanted, { signal: call.signal, timeout: wanted.timeout }, (signal) => carryOut(options, { wanted, url, call, signal, longest }));
      return outcome ?? { failure: { uri: wanted.uri, reason: 'timed-out', message: 'it took longer than the time that the request gives; the download goes on for whoever asks later' } };
    },
    close: () => flights.close(),
  };
}

interface Flight {
  readonly wanted: WantedDownload;
  readonly url: URL;
  /** Of whoever asked first. */
  readonly call: AssetCall;
  readonly signal: AbortSignal;
  readonly longest: number;
}

async function carryOut(options: AssetDownloadOptions, flight: Flight): Promise<DownloadOutcome> {
  const { cache, sessions } = options;
  const instance = cache.instance(flight.wanted.instance);
  const { fetch } = instance;
  if (fetch === undefined) throw new MillraceError('forbidden', `the instance ${instance.name} downloads nothing`);
  const session = await sessions.open({ owner: flight.call.caller.name, policy: fetch.policy, retain: fetch.retain, timeoutSeconds: Math.ceil(flight.longest / 1000) + 300 });
  try {
    return await inSession(options, flight, { session, fetch });
  } finally {
    await session.end().catch((error: unknown) => options.warn(`the session ${session.id} of a download is left to its timeout`, error));
  }
}

async function inSession(options: AssetDownloadOptions, flight: Flight, { session, fetch }: { readonly session: FetchSession; readonly fetch: CacheFetching }): Promise<DownloadOutcome> {
  const { cache, access, version } = options;
  const { wanted, url, call, signal } = flight;
  const startedAt = new Date().toISOString();
  const body = spooledBlob(await options.spool());
  try {
    const request = { url, headers: wanted.headers, session, userAgent: `millrace/${version}`, signal };
    const received = await throughProxy(await options.proxy(), request, async (answer) => ('failure' in answer ? answer : receive(answer.body, { body, wanted, limit: cache.instance(wanted.instance).blobBytes, signal })));
    // What came is only used when the record of it is complete.
    await session.revoke();
    if ('failure' in received) return { failure: { uri: wanted.uri, ...received.failure } };
    const { digest } = received;
    await access.count(call.caller, wanted.instance, digest.size, { signal });
    await cache.writeBlob(wanted.instance, digest, contentOf(await body.content()), { by: call.caller.name, signal });
    if (isNameOfContent(wanted)) {
      const origin = { ...call.origin, ...(fetch.retain ? { session: session.id } : {}) };
      const entry = { instance: wanted.instance, kind: 'blob', key: wanted.uri, qualifiers: wanted.qualifiers, target: { digest, shape: 'plain' }, value: undefined, references: [], properties: { 'downloaded-at': startedAt }, expiresAt: undefined, origin } as const;
      await cache.putEntry(entry, { by: call.caller.name, signal });
    }
    return { digest };
  } finally {
    await body.discard();
  }
}

/** What one's credentials gave is not everybody's under that name, unless the name has a checksum: whoever knows that knows the content. */
function isNameOfContent({ headers, checksum }: WantedDownload): boolean {
  return checksum !== undefined || Object.keys(headers).length === 0;
}

interface Receiving {
  readonly body: SpooledBlob;
  readonly wanted: WantedDownload;
  readonly limit: number;
  readonly signal: AbortSignal;
}

async function receive(content: AsyncIterable<Buffer>, { body, wanted, limit, signal }: Receiving): Promise<{ readonly digest: CacheDigest } | { readonly failure: Omit<OriginFailure, 'uri'> }> {
  const { checksum, digestFunction } = wanted;
  const hash = await createBlobHash(digestFunction);
  const check = checksum === undefined ? undefined : createHash(checksum.algorithm);
  const chunks = content[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => tornBody(error, signal));
    if ('failure' in next) return next;
    if (next.done === true) break;
    if (body.size + next.value.length > limit) return { failure: { reason: 'too-large', message: `it has more than the ${limit} bytes that a blob may have here` } };
    hash.update(next.value);
    check?.update(next.value);
    await body.append(next.value);
  }
  if (checksum !== undefined && check !== undefined && !matchesChecksum(checksum, check.digest())) return { failure: { reason: 'inconsistent', message: `what its server gave is not what checksum.sri says (${checksum.algorithm})` } };
  return { digest: { function: digestFunction, hash: hash.digest(), size: body.size } };
}

/** The proxy cuts what its origin cuts, and what inspection refused after its head was sent. */
function tornBody(error: unknown, signal: AbortSignal): { readonly failure: Omit<OriginFailure, 'uri'> } {
  signal.throwIfAborted();
  return { failure: { reason: 'unavailable', message: `the transfer broke off (${errorMessage(error)}): its server ended it, or inspection refused the content` } };
}

async function* contentOf(content: Awaited<ReturnType<SpooledBlob['content']>>): AsyncGenerator<Buffer> {
  if (Buffer.isBuffer(content)) yield content;
  else yield* createReadStream(content.file);
}
