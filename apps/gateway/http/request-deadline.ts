import type { IncomingMessage, Server } from 'node:http';
import { answerClientError } from './client-error.js';

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Cuts clients that take longer than so many milliseconds to send a request, as Node's own `requestTimeout` does; that one knows no exceptions, and packages of
 * gigabytes take their time. The head of a request has Node's `headersTimeout`.
 */
export function limitRequests(server: Server, milliseconds: number): void {
  server.prependListener('request', (request: IncomingMessage) => {
    if (!hasBody(request)) return;
    startDeadline(request, milliseconds);
    const done = (): void => liftDeadline(request);
    request.once('end', done).once('close', done);
  });
}

/** From now on another time; what was left of the one before is forgotten. */
export function startDeadline(request: IncomingMessage, milliseconds: number): void {
  liftDeadline(request);
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => cut(request), milliseconds);
  deadlines.set(request, timer.unref());
}

/** What has come whole may not have been read to its end, where nobody wanted it: on its connection there is another request now. */
function cut(request: IncomingMessage): void {
  if (!request.complete) answerClientError(Object.assign(new Error('the request is too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), request.socket);
}

/** For routes that watch over the pace of their clients themselves. */
export function liftDeadline(request: IncomingMessage): void {
  clearTimeout(deadlines.get(request));
  deadlines.delete(request);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
