import type { FastifyReply } from 'fastify';
import { documentPolicy } from './file-headers.js';

/** A directory has a slash at its end, for ever. */
export function addSlash(reply: FastifyReply, location: string): void {
  void reply.code(301).header('location', location).send();
}

/** Where a file is now: nobody may keep that. */
export function leadTo(reply: FastifyReply, location: string): void {
  void reply.code(307).headers({ location, 'cache-control': 'no-store' }).send();
}

export function refuse(reply: FastifyReply, status: 404 | 410, reason: string): void {
  void reply.code(status).header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(`${status} ${status === 410 ? 'Gone' : 'Not Found'}: ${reason}\n`);
}

export function sendPage(reply: FastifyReply, page: string): void {
  void reply.headers({ 'content-security-policy': documentPolicy, 'cache-control': 'no-cache' }).type('text/html; charset=utf-8').send(page);
}
