import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { ACCESS, SETTINGS } from '../gateway-tokens.js';
import { withDeadline } from '../http/with-deadline.js';
import { rememberCaller } from './caller.js';
import { needKey, nobodysNeed } from './needs.js';
import type { Need } from './needs.js';
import type { Access } from './open-access.js';
import { requireOwnPage } from './own-pages-only.js';

/** Less than any deadline of an answer: whoever vouches for callers may be slow. */
const loginMilliseconds = 4000;
const withoutNeed: Need = { capability: 'service', role: 'admin' };
const unknownCaller: Principal = { name: 'unknown', groups: [], by: 'none', scopes: undefined };
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Every route's guard: no page of another site changes anything, and each caller has what the route needs, in the order of ODCS: login, scope, role. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(ACCESS) private readonly access: Access,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (!reading.has(request.method)) requireOwnPage(request.headers, this.settings);
    const need = this.reflector.getAllAndOverride<Need | typeof nobodysNeed | undefined>(needKey, [context.getHandler(), context.getClass()]) ?? withoutNeed;
    if (need === nobodysNeed) return true;
    const { authorization } = this.access;
    if (need.whilePublic !== undefined && authorization.isPublic(need.whilePublic)) return true;
    const principal = await this.callerOf(need, request, http.getResponse<FastifyReply>());
    if (need.scope !== undefined) authorization.requireScope(principal, need.scope);
    if (need.role !== 'login') authorization.requireRole(principal, need.capability, need.role);
    rememberCaller(request, principal);
    return true;
  }

  private async callerOf({ capability, unknownCallers = false }: Need, request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    // ODCS's clients show whatever they have, also to a service that asks for nothing.
    if (unknownCallers && capability === 'composes' && this.access.openComposes) return unknownCaller;
    const { authenticator } = this.access;
    const caller = await withDeadline(authenticator.authenticate(readCredentials(request.raw)), loginMilliseconds, identityTimeout);
    if (caller === undefined || (caller.principal.by === 'none' && !unknownCallers)) throw this.unauthorized();
    if (caller.reply !== undefined) void reply.header('www-authenticate', caller.reply);
    return caller.principal;
  }

  private unauthorized(): MillraceError {
    const suggestion =
      this.access.settings === undefined
        ? 'Send the control credentials (MILLRACE_CONTROL_AUTH, or control-auth in MILLRACE_HOME) with HTTP basic authentication.'
        : `Log in as this service asks for it${this.waysIn()}.`;
    return new MillraceError('unauthorized', 'credentials are missing', { suggestion });
  }

  private waysIn(): string {
    const schemes = this.access.authenticator.challenges.map((challenge) => challenge.split(' ')[0]);
    return schemes.length === 0 ? '' : `: ${[...new Set(schemes)].join(', ')}`;
  }
}

function identityTimeout(): MillraceError {
  return new MillraceError('identity-unavailable', 'whoever vouches for callers did not answer in time', { suggestion: 'Try again; the log of the gateway has the reason.' });
}
