import { ProxyAgent, type Dispatcher } from 'undici';
import { MillraceError } from '../errors/millrace-error.js';
import type { OriginFailure } from './asset-downloads.js';

/** The recording proxy, as a build sees it. */
export interface ProxyPlace {
  /** `http://host:port`. */
  readonly url: string;
  /** PEM of the authority whose certificates the proxy shows. */
  readonly authority: string;
}

export interface ProxiedRequest {
  readonly url: URL;
  /** Sent to the origin of `url` alone, never to where it redirects. */
  readonly headers: Readonly<Record<string, string>>;
  readonly session: { readonly id: string; readonly token: string };
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

export type ProxiedAnswer = { readonly body: AsyncIterable<Buffer> } | { readonly failure: Omit<OriginFailure, 'uri'> };

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const redirectLimit = 10;

/**
 * One GET through the recording proxy with a session's credentials. The answer must be read, or the agent is closed, in `use`. Errors: `service-unavailable` when the proxy itself
 * does not answer or does not know the session; whatever the asset's own server does is a failure.
 */
export async function throughProxy<Result>(proxy: ProxyPlace, request: ProxiedRequest, use: (answer: ProxiedAnswer) => Promise<Result>): Promise<Result> {
  const { session, signal } = request;
  const token = `Basic ${Buffer.from(`${session.id}:${session.token}`).toString('base64')}`;
  const agent = new ProxyAgent({ uri: proxy.url, token, requestTls: { ca: proxy.authority }, proxyTunnel: true, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
  try {
    return await use(await follow(agent, request));
  } catch (error) {
    signal.throwIfAborted();
    throw asProxyError(error);
  } finally {
    await agent.destroy();
  }
}

async function follow(agent: ProxyAgent, { url: first, headers, userAgent, signal }: ProxiedRequest): Promise<ProxiedAnswer> {
  let url = first;
  for (let hops = 0; hops <= redirectLimit; hops += 1) {
    const own = url.origin === first.origin ? headers : {};
    const answer = await agent.request({ origin: url.origin, path: `${url.pathname}${url.search}`, method: 'GET', headers: { 'user-agent': userAgent, accept: '*/*', ...own, 'accept-encoding': 'identity' }, signal });
    const { statusCode: status } = answer;
    const location = single(answer.headers['location']);
    if (redirects.has(status) && location !== undefined) {
      const next = URL.parse(location, url.href);
      if (next === null || !/^https?:$/.test(next.protocol)) return { failure: { reason: 'unavailable', message: `it redirects to what is no URL of http or https` } };
      await answer.body.dump({ limit: 1024 * 1024 });
      url = next;
      continue;
    }
    if (status === 200) return { body: answer.body as AsyncIterable<Buffer> };
    return { failure: await failureOf(answer) };
  }
  return { failure: { reason: 'unavailable', message: `it leads through more than ${redirectLimit} redirects` } };
}

async function failureOf({ statusCode: status, headers, body }: Dispatcher.ResponseData): Promise<Omit<OriginFailure, 'uri'>> {
  const ours = single(headers['millrace-refused']) === 'true';
  const said = ours ? `: ${(await startOf(body)).trim()}` : '';
  if (ours && (status === 407 || status === 503)) throw new MillraceError('service-unavailable', `the recording proxy answers ${status}${said}`, { suggestion: 'Try again; the log of the proxy says more.' });
  if (!ours) body.on('error', () => undefined).destroy();
  const message = `${ours ? 'the recording proxy' : 'its server'} answers ${status}${said}`;
  if (status === 404 || status === 410) return { reason: 'not-found', message };
  if (status === 401 || status === 403) return { reason: 'refused', message };
  return { reason: 'unavailable', message };
}

async function startOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += chunk.toString('utf8');
    if (text.length > 1000) break;
  }
  return text.slice(0, 1000);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** A connection that ends while the proxy passes a body on is the origin's doing, or a refusal after inspection; see `tornBody`. */
function asProxyError(error: unknown): unknown {
  const code = (error as { readonly code?: string }).code ?? '';
  if (!/^(ECONN|ENOTFOUND|EAI_|EPIPE|ETIMEDOUT|UND_ERR)/.test(code)) return error;
  return new MillraceError('service-unavailable', `the recording proxy cannot be reached (${code})`, { cause: error, suggestion: 'Look whether the proxy runs; MILLRACE_PROXY_PORT says where it listens.' });
}
