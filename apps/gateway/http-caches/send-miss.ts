import type { FastifyReply } from 'fastify';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';

const ofContent = ['etag', 'accept-ranges', 'content-range', 'content-length', 'last-modified', 'x-artifact-duration', 'x-artifact-tag'];

/** What every client of a cache takes for a miss. */
export function sendMiss(reply: FastifyReply): void {
  void reply.code(404).type('text/plain; charset=utf-8').header('cache-control', 'no-store').send('404 Not Found: not in the cache\n');
}

/** False: it was lost between looking and opening it. Nothing was sent then. */
export async function sendFound(reply: FastifyReply, send: () => Promise<void>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'blob-not-found') throw error;
    for (const header of ofContent) void reply.removeHeader(header);
    return false;
  }
}
