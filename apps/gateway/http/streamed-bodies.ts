import fastifyMultipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { cacheRoutes } from '../http-caches/cache-routes.js';

/** Its forms are read file by file; those of the other routes are content like any other. */
const uploads = '/v1/repositories/:name/uploads';
/** Routes whose bodies are read as they arrive, and may have any size. */
export const streamedRoutes: ReadonlySet<string> = new Set([uploads, '/v1/caches/:instance/blobs/:digest', ...cacheRoutes.map((route) => `/${route}`)]);

const streamed = 'application/x-millrace-stream';
const bytes = 'application/octet-stream';
const form = /^multipart\/form-data\s*(?:;|$)/i;

/** Forms of uploads are theirs to read with `request.parts()`, other bodies of `streamedRoutes` are streams. */
export async function acceptStreamedBodies(fastify: FastifyInstance): Promise<void> {
  fastify.addContentTypeParser(streamed, (_request, payload, done) => done(null, payload));
  await fastify.register(fastifyMultipart, { throwFileSizeLimit: false });
}

/** What the framework is to take a body for, whatever its client calls it. */
export function bodyTypeOf(request: FastifyRequest): string | undefined {
  const given = request.headers['content-type'];
  if (!isStreamed(request)) return given === undefined ? undefined : bytes;
  return request.routeOptions.url === uploads && given !== undefined && form.test(given) ? given : streamed;
}

/** Whether whoever answers reads the body, when it wants it. */
export function isStreamed(request: FastifyRequest): boolean {
  return streamedRoutes.has(request.routeOptions.url ?? '');
}
