import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';
import { basicAuthMatches, controlUser } from '../../../libs/access/authentication/control-credentials.js';

/** Lets everybody change composes, or only those who have the control credentials, as the service is set. */
@Injectable()
export class ComposeAuth implements CanActivate {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (this.settings.composeAuth === 'noauth' || basicAuthMatches(headers.authorization, this.settings.controlAuth)) return true;
    throw new MillraceError('unauthorized', 'The control credentials are missing or wrong', { suggestion: 'Send them (MILLRACE_CONTROL_AUTH, or control-auth in MILLRACE_HOME) with HTTP basic authentication.' });
  }
}

/** Names of whoever asks, as ODCS has them where nobody has to say who they are. */
export function requester(settings: Settings): { readonly owner: string; readonly by: string } {
  if (settings.composeAuth === 'noauth') return { owner: 'unknown', by: 'anonymous' };
  const user = controlUser(settings.controlAuth);
  return { owner: user, by: user };
}
