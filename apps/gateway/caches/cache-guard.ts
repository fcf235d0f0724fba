import { applyDecorators, createParamDecorator, Inject, Injectable, SetMetadata, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { Role } from '../../../libs/access/principal.js';
import type { CacheCaller } from '../../../libs/cache-access/cache-access.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { Public } from '../access/needs.js';
import { CACHES } from '../gateway-tokens.js';
import { withDeadline } from '../http/with-deadline.js';
import type { CacheDependencies } from './cache-ports.js';

/** Less than any deadline of an answer, as for every other route. */
const loginMilliseconds = 4000;
const roleKey = 'millrace:cache-role';

/** Who manages an instance of the cache: by a role of the access file, or as one of the instance's own administrators, who may be known to the cache alone. */
export interface CacheManager {
  /** As the record says who has changed something. */
  readonly name: string;
  /** Whether the role is still there. Errors: `unauthorized`, `forbidden`. */
  readonly judge: () => Promise<void>;
  /** Whether this instance is for its eyes, too. */
  readonly sees: (instance: string) => boolean;
}

const managers = new WeakMap<FastifyRequest, CacheManager>();

/** Of a route whose parameter `instance` names the instance; where there is none, one instance is enough. */
@Injectable()
export class CacheGuard implements CanActivate {
  constructor(
    @Inject(CACHES) private readonly caches: CacheDependencies,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { access, cache } = this.caches;
    const role = this.reflector.getAllAndOverride<Role | undefined>(roleKey, [context.getHandler(), context.getClass()]) ?? 'admin';
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const shown = readCredentials(request.raw);
    const caller = await withDeadline(access.identify(shown), loginMilliseconds, identityTimeout);
    if (caller.name === 'anonymous') throw new MillraceError('unauthorized', 'credentials are missing', { suggestion: 'Log in as this service asks for it, or with what access.admin of the instance names.' });
    const { instance } = request.params as { readonly instance?: string };
    const sees = (name: string): boolean => access.hasRole(caller, role, name);
    const demand = (): void => {
      if (instance === undefined ? !cache.instances.some(({ name }) => sees(name)) : !sees(instance)) throw refusal(caller, role, instance);
    };
    demand();
    managers.set(request, {
      name: caller.name,
      sees,
      judge: async () => {
        await access.recheck(caller, readCredentials(request.raw));
        demand();
      },
    });
    return true;
  }
}

/** What a route asks of those who manage the cache. */
export function ManagesCache(role: Role): ClassDecorator & MethodDecorator {
  return applyDecorators(Public(), SetMetadata(roleKey, role), UseGuards(CacheGuard));
}

/** Who sent this request; only for routes with `@ManagesCache`. */
export const Manager = createParamDecorator((_data: unknown, context: ExecutionContext): CacheManager => {
  const manager = managers.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (manager === undefined) throw new MillraceError('internal', 'a route without roles of the cache asked who manages it');
  return manager;
});

function refusal({ name }: CacheCaller, role: Role, instance: string | undefined): MillraceError {
  const where = instance === undefined ? 'any instance of the artifact cache' : `the instance ${JSON.stringify(instance.slice(0, 200))} of the artifact cache`;
  return new MillraceError('forbidden', `User ${name} does not have the role ${role} of cache in ${where}`, { suggestion: 'An operator gives it under roles.cache of the access file, or makes the user an administrator of the instance by its access.admin in the file of MILLRACE_CACHE.' });
}

function identityTimeout(): MillraceError {
  return new MillraceError('identity-unavailable', 'whoever vouches for callers did not answer in time', { suggestion: 'Try again; the log of the gateway has the reason.' });
}
