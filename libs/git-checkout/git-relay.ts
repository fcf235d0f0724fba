import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { HttpAnswer, HttpClient } from '../repository-source/http-client.js';

/** What git talks to in place of the network. */
export interface GitRelay extends AsyncDisposable {
  /** On loopback, with a secret in its path. */
  readonly url: string;
  /** The first thing that went wrong on the way: better than what git makes of it. */
  readonly failure: MillraceError | undefined;
}

export interface GitRelayOptions {
  readonly client: Pick<HttpClient, 'ask' | 'post'>;
  readonly repository: URL;
  /** Value of a header that only the repository's own origin gets. */
  readonly authorization?: string | undefined;
  /** Bytes of all answers together. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** What git asks for one commit has some kilobytes. */
const largestQuestion = 1024 ** 2;
const redirectsFollowed = 3;
const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const passedOn = ['accept', 'content-type', 'content-encoding', 'git-protocol'] as const;

/**
 * The two requests that reading by git's smart protocol takes (`GET …/info/refs`, `POST …/git-upload-pack`), passed on by this process's own client: so git itself never
 * reaches the network, and destinations, authorities, parent proxy, limits and redirects are those of every source.
 */
export async function openGitRelay({ client, repository, authorization, limit, signal }: GitRelayOptions): Promise<GitRelay> {
  const secret = `/${randomBytes(24).toString('hex')}`;
  const state = { base: repository.href.replace(/\/+$/, ''), received: 0, failure: undefined as MillraceError | undefined };
  const own: Readonly<Record<string, string>> = authorization === undefined ? {} : { authorization };
  const server = createServer((request, response) => void relay(request, response));

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await passOn(request);
      if (answer === undefined) return void response.writeHead(404).end();
      await sendBack(answer, response);
    } catch (error) {
      state.failure ??= isMillraceError(error) ? error : undefined;
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    }
  }

  async function passOn(request: IncomingMessage): Promise<HttpAnswer | undefined> {
    const named = Object.fromEntries(passedOn.flatMap((name) => (typeof request.headers[name] === 'string' ? [[name, request.headers[name]]] : [])));
    const headers = { ...named, ...own };
    if (request.method === 'GET' && request.url === `${secret}/info/refs?service=git-upload-pack`) return advertised(headers);
    if (request.method !== 'POST' || request.url !== `${secret}/git-upload-pack`) return undefined;
    const answer = await client.post(new URL(`${state.base}/git-upload-pack`), headers, await bodyOf(request), signal);
    return checked(answer, 'application/x-git-upload-pack-result');
  }

  async function advertised(headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    for (let hops = 0; ; hops += 1) {
      const url = new URL(`${state.base}/info/refs?service=git-upload-pack`);
      const answer = await client.ask(url, headers, signal);
      const location = answer.header('location');
      if (!statuses.has(answer.status) || location === undefined) return checked(answer, 'application/x-git-upload-pack-advertisement');
      answer.discard();
      if (hops === redirectsFollowed) throw invalid(`${repository.href} leads through more than ${redirectsFollowed} redirects`);
      state.base = redirected(repository, url, location);
    }
  }

  function checked(answer: HttpAnswer, type: string): HttpAnswer {
    const { status } = answer;
    const found = answer.header('content-type')?.toLowerCase().split(';')[0];
    if (status === 200 && found === type) return answer;
    answer.discard();
    if (status >= 500 || status === 408 || status === 429) throw new MillraceError('source-unavailable', `the git repository ${repository.href}: its server answers ${status}`);
    if (status === 401 || status === 403) throw invalid(`the git repository ${repository.href}: its server does not let Millrace read it (${status})`);
    throw invalid(`${repository.href} is no git repository that can be read over HTTP: its server answers ${status}${status === 200 ? ` with ${JSON.stringify((found ?? 'no type').slice(0, 60))}` : ''}`);
  }

  async function sendBack(answer: HttpAnswer, response: ServerResponse): Promise<void> {
    try {
      const coding = answer.header('content-encoding');
      response.writeHead(200, { 'content-type': answer.header('content-type') ?? '', ...(coding === undefined ? {} : { 'content-encoding': coding }) });
      await pipeline(counted(answer.body), response);
    } finally {
      answer.discard();
    }
  }

  async function* counted(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of body) {
      state.received += chunk.length;
      if (state.received > limit) throw invalid(`the git repository ${repository.href} sends more than ${limit} bytes, the most that is accepted`);
      yield chunk;
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new MillraceError('source-unavailable', `the git repository ${repository.href} cannot be asked: ${errorMessage(cause)}`, { cause })));
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${secret}`,
    get failure() {
      return state.failure;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Where the repository is instead: on the same host only, which may turn to https. */
function redirected(repository: URL, from: URL, location: string): string {
  const to = URL.parse(location, from.href);
  const suffix = '/info/refs';
  if (to === null || !to.pathname.endsWith(suffix) || to.username !== '' || to.password !== '') throw invalid(`the git repository ${repository.href} redirects to what is no repository`);
  const turnsSafe = from.protocol === 'http:' && to.protocol === 'https:' && to.hostname === from.hostname && from.port === '' && to.port === '';
  if (to.origin !== from.origin && !turnsSafe) throw new MillraceError('source-invalid', `the git repository ${repository.href} redirects to another host, ${to.host.slice(0, 200)}`, { suggestion: 'Name the address that it leads to, if that is meant.' });
  return `${to.origin}${to.pathname.slice(0, -suffix.length)}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestQuestion) throw invalid(`git asks for more than can be told in ${largestQuestion} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function invalid(message: string): MillraceError {
  return new MillraceError('source-invalid', message);
}
