import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';

/** True when the header carries exactly `expected` (`user:password`). Digests are compared, so neither length nor prefix shows in the time taken. */
export function basicAuthMatches(header: string | undefined, expected: string): boolean {
  const match = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(header ?? '');
  const given = match?.[1] === undefined ? '' : Buffer.from(match[1], 'base64').toString('utf8');
  const equal = timingSafeEqual(digest(given), digest(expected));
  return equal && given !== '';
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

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

/** The user of the control API: the owner of what is opened with its credentials. */
export function controlUser(settings: Settings): string {
  return settings.controlAuth.slice(0, settings.controlAuth.indexOf(':'));
}
