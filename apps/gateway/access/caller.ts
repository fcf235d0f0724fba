import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

const callers = new WeakMap<FastifyRequest, Principal>();

export function rememberCaller(request: FastifyRequest, principal: Principal): void {
  callers.set(request, principal);
}

/** Who sent this request; only for routes with `@Needs`. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  const principal = callers.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (principal === undefined) throw new MillraceError('internal', 'a public route asked who its caller is');
  return principal;
});

/** As the record says who has changed something, in ODCS's word where nobody has to say who they are. */
export function changedBy({ name, by }: Principal): string {
  return by === 'none' ? 'anonymous' : name;
}
