import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { basicAuthMatches } from '../../../libs/access/authentication/control-credentials.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';

/** Refuses whoever does not present the control credentials. */
@Injectable()
export class BasicAuthGuard implements CanActivate {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (basicAuthMatches(request.headers.authorization, this.settings.controlAuth)) return true;
    throw new MillraceError('unauthorized', '401 Unauthorized', { suggestion: 'Send the control credentials (MILLRACE_CONTROL_AUTH, or control-auth in MILLRACE_HOME) with HTTP basic authentication.' });
  }
}
