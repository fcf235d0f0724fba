import { Agent, type Dispatcher } from 'undici';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { createUpstreamConnector, type UpstreamConnector, type UpstreamConnectorOptions } from '../proxy/upstream/connect.js';
import { createDestinationGuard, type DestinationGuardOptions } from '../proxy/upstream/destination-guard.js';
import { compileHostPatterns } from '../proxy/upstream/host-patterns.js';
import { parseParentProxy } from '../proxy/upstream/parent-proxy.js';
import { createHostTurns } from './host-turns.js';
import { pacedBody, withinTime } from './progress-watch.js';
import { parseLocation } from './source-location.js';
import type { SourceLimits } from './source-limits.js';

export interface HttpClientOptions extends Pick<DestinationGuardOptions, 'allow' | 'forbiddenPorts' | 'resolve'> {
  /** `http://[user:password@]host:port` */
  readonly upstreamProxy: string | undefined;
  readonly upstreamNoProxy: readonly string[];
  /** PEM file of authorities trusted besides the system's. */
  readonly upstreamCa: string | undefined;
  /** For clients of one server. */
  readonly tls?: UpstreamConnectorOptions['tls'];
  readonly userAgent: string;
  readonly limits: SourceLimits;
}

export interface HttpAnswer {
  /** Of the last redirect. */
  readonly url: URL;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Must be read to its end, or `discard` be called. */
  readonly body: AsyncGenerator<Buffer, void>;
  discard(): void;
}

export interface HttpClient {
  /**
   * One GET, redirects followed unless `limits.redirects` is 0: then they are answers. Every connection goes to an address that the guard has let through. Errors: `forbidden`, `source-invalid`,
   * `source-unavailable` (worth another attempt).
   */
  get(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpAnswer>;
  /** One GET whose redirects are answers. Errors as of `get`. */
  ask(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpAnswer>;
  /** One POST, which is not repeated elsewhere: redirects are answers. Errors as of `get`. */
  post(url: URL, headers: Readonly<Record<string, string>>, body: Buffer, signal: AbortSignal): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { limits } = options;
  const guard = createDestinationGuard({ ...options, client: 'sources of composes', setting: 'MILLRACE_COMPOSE_ALLOW_DESTINATIONS' });
  const connector = createUpstreamConnector({ guard, upstreamProxy: options.upstreamProxy, noProxy: options.upstreamNoProxy, caFile: options.upstreamCa, tls: options.tls });
  const agent = new Agent({ connect: connectThrough(connector), connections: limits.concurrency, pipelining: 1, allowH2: false, headersTimeout: 0, bodyTimeout: 0 });
  const turns = createHostTurns(limits.concurrency);
  const parent = options.upstreamProxy === undefined ? undefined : parseParentProxy(options.upstreamProxy);
  const goesDirect = compileHostPatterns(options.upstreamNoProxy);

  /** A parent proxy reads requests for http in absolute form, with its own credentials. */
  function target(url: URL): { readonly path: string; readonly headers: Readonly<Record<string, string>> } {
    const path = `${url.pathname}${url.search}`;
    if (parent === undefined || url.protocol !== 'http:' || goesDirect(bareHost(url.hostname))) return { path, headers: {} };
    return { path: `${url.origin}${path}`, headers: parent.authorization === undefined ? {} : { 'proxy-authorization': parent.authorization } };
  }

  async function once(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal, sent?: Buffer): Promise<HttpAnswer> {
    const giveBack = await turns.take(url.host, signal);
    const stop = new AbortController();
    const to = target(url);
    const request = agent.request({
      origin: url.origin,
      path: to.path,
      ...(sent === undefined ? { method: 'GET' } : { method: 'POST', body: sent }),
      headers: { 'user-agent': options.userAgent, 'accept-encoding': 'identity', accept: '*/*', ...headers, ...to.headers },
      signal: AbortSignal.any([signal, stop.signal]),
    });
    try {
      return asAnswer(url, await withinTime(request, limits.progressTime, () => noProgress(url, limits.progressTime)), giveBack);
    } catch (error) {
      stop.abort();
      giveBack();
      // An answer that comes in the moment of giving up is nobody's.
      request.then(({ body }) => body.on('error', () => undefined).destroy(), () => undefined);
      throw asSourceError(url, error, signal);
    }
  }

  function asAnswer(url: URL, answer: Dispatcher.ResponseData, giveBack: () => void): HttpAnswer {
    async function* body(): AsyncGenerator<Buffer, void> {
      try {
        yield* pacedBody(answer.body, limits, () => noProgress(url, limits.progressTime));
      } catch (error) {
        throw asSourceError(url, error);
      } finally {
        giveBack();
      }
    }
    return {
      url,
      status: answer.statusCode,
      header: (name) => [answer.headers[name] ?? []].flat()[0],
      body: body(),
      discard() {
        giveBack();
        // A short rest is read, so that the connection serves the next request too.
        answer.body.dump({ limit: 16_384, signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      },
    };
  }

  return {
    async get(first, headers, signal) {
      let url = first;
      for (let hops = 0; ; hops += 1) {
        const answer = await once(url, headers, signal);
        const location = answer.header('location');
        if (!redirects.has(answer.status) || location === undefined || limits.redirects === 0) return answer;
        answer.discard();
        if (hops === limits.redirects) throw new MillraceError('source-invalid', `${first.href} leads through more than ${limits.redirects} redirects`);
        url = redirected(url, location);
      }
    },
    ask: (url, headers, signal) => once(url, headers, signal),
    post: (url, headers, body, signal) => once(url, headers, signal, body),
    close: () => agent.destroy(),
  };
}

function redirected(from: URL, location: string): URL {
  const resolved = URL.parse(location, from.href);
  const problem = (why: string): MillraceError => new MillraceError('source-invalid', `${from.href} redirects to ${why}`);
  if (resolved === null) throw problem('what is no URL');
  const to = parseLocation(resolved.href);
  if (to.kind !== 'http') throw problem('a file of this machine, which no server may name');
  if (from.protocol === 'https:' && to.url.protocol !== 'https:') throw problem(`${to.url.href}: from https to http`);
  return to.url;
}

function connectThrough(connector: UpstreamConnector): Agent.Options['connect'] {
  return ({ hostname, protocol, port }, callback) => {
    const scheme = protocol === 'https:' ? 'https' : 'http';
    connector.connect({ host: bareHost(hostname), port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port), scheme }).then(
      (result) => (result.ok ? callback(null, result.socket) : callback(new MillraceError(result.rule === 'destination' ? 'forbidden' : 'source-unavailable', result.reason), null)),
      (error: unknown) => callback(error as Error, null),
    );
  };
}

function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function noProgress(url: URL, milliseconds: number): MillraceError {
  return new MillraceError('source-unavailable', `${url.host} has sent nothing worth mentioning of ${url.pathname} for ${milliseconds / 1000} s`);
}

function asSourceError(url: URL, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (isMillraceError(error)) return isNamed(error.message, url) ? error : new MillraceError(error.code, `cannot read ${url.href}: ${error.message}`, { cause: error });
  const name = (error as { name?: unknown } | undefined)?.name;
  if (name === 'AbortError') return error;
  return new MillraceError('source-unavailable', `cannot read ${url.href}: ${errorMessage(error).slice(0, 300) || 'the connection broke'}`, { cause: error });
}

function isNamed(message: string, url: URL): boolean {
  return message.includes(url.pathname);
}
