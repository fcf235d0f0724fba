import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A strong entity tag of exactly these bytes. */
export function entityTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/** True when `If-None-Match` names it: the client has these bytes. */
export function matchesEntityTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((each) => each.trim().replace(/^W\//, '') === tag);
}

/** JSON with its entity tag, or 304 for whoever has it. */
export function sendTagged(request: FastifyRequest, reply: FastifyReply, value: unknown): FastifyReply {
  const body = JSON.stringify(value);
  const tag = entityTag(body);
  void reply.headers({ etag: tag, 'cache-control': 'no-cache' });
  return matchesEntityTag(request.headers['if-none-match'], tag) ? reply.code(304).send() : reply.type('application/json; charset=utf-8').send(body);
}
