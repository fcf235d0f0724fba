import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** One a connection, however many requests it carries. */
const signals = new WeakMap<Socket, AbortSignal>();

/** Aborts when the connection is closed, from either side. `keepOpen`: milliseconds that the answer may take although nothing is sent meanwhile. */
export function clientGone(request: FastifyRequest, keepOpen: number): AbortSignal {
  const { socket } = request.raw;
  // The server cuts connections that are silent; Node sets its own time again with the next request.
  socket.setTimeout(keepOpen);
  const known = signals.get(socket);
  if (known !== undefined) return known;
  const gone = new AbortController();
  if (socket.destroyed) gone.abort();
  socket.once('close', () => gone.abort());
  signals.set(socket, gone.signal);
  return gone.signal;
}
