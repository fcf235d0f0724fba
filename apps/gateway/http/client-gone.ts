import type { FastifyRequest } from 'fastify';

/** Aborts when the connection is closed, from either side. `keepOpen`: milliseconds that the answer may take although nothing is sent meanwhile. */
export function clientGone(request: FastifyRequest, keepOpen: number): AbortSignal {
  const { socket } = request.raw;
  const gone = new AbortController();
  if (socket.destroyed) gone.abort();
  socket.once('close', () => gone.abort());
  // The server cuts connections that are silent; Node sets its own time again with the next request.
  socket.setTimeout(keepOpen);
  return gone.signal;
}
