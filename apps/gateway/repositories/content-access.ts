import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { PackageOrigin } from '../../../libs/repository/listed-package.js';
import type { ContentReference } from '../../../libs/repository/repository-change.js';
import type { Access } from '../access/open-access.js';
import type { CacheDependencies } from '../caches/cache-ports.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { ACCESS, CACHES, COMPOSES } from '../gateway-tokens.js';
import { admitCaller } from '../http-caches/admit-caller.js';

/** Who asks, by the rules of the service and, with what the request shows, by those of the cache. */
export interface Asking {
  readonly caller: Principal;
  readonly request: FastifyRequest;
}

type Place = ContentReference['from'];

/** What is published can be read by others: whoever publishes out of a session, a compose or an instance of the cache has to be one who may read there. The same for whoever is told of them. */
@Injectable()
export class ContentAccess {
  constructor(
    @Inject(ACCESS) private readonly access: Access,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
    @Inject(CACHES) private readonly caches: CacheDependencies,
  ) {}

  /** Errors: `forbidden`, `unauthorized`, `invalid-request` (no such instance), `compose-not-found`, `compose-closed` (its files are gone). */
  async demand(places: readonly Place[], asking: Asking, reply: FastifyReply): Promise<void> {
    const distinct = new Map(places.map((place) => [JSON.stringify(place), place]));
    for (const place of distinct.values()) await this.demandPlace(place, asking, reply);
  }

  /** Without what the caller could not have read there. */
  async shown(origins: readonly PackageOrigin[], asking: Asking): Promise<readonly PackageOrigin[]> {
    const composes = this.mayReadComposes(asking.caller);
    const instances = [...new Set(origins.flatMap(({ cache }) => (cache === undefined ? [] : [cache.instance])))];
    const open = new Set<string>();
    for (const instance of instances) if (await this.mayPull(instance, asking.request)) open.add(instance);
    const shown = origins.map(({ compose, cache, ...others }) => ({
      ...others,
      ...(compose === undefined || !composes ? {} : { compose }),
      ...(cache === undefined || !open.has(cache.instance) ? {} : { cache }),
    }));
    return shown.filter(({ found: _found, ...where }) => Object.keys(where).length > 0);
  }

  private async demandPlace(place: Place, { caller, request }: Asking, reply: FastifyReply): Promise<void> {
    const { authorization } = this.access;
    if ('session' in place) return authorization.requireRole(caller, 'sessions', 'reader');
    if ('compose' in place) {
      if (!authorization.isPublic('composes')) authorization.requireRole(caller, 'composes', 'reader');
      return this.demandLiving(place.compose);
    }
    const { cache, access } = this.caches;
    await admitCaller(request, reply, { access, action: 'pull', instance: cache.instance(place.cache).name });
  }

  /** Said at once, where it can be: the change would fail with it later. */
  private async demandLiving(id: number): Promise<void> {
    const compose = await this.composes.reads.get(id);
    if (compose === undefined) throw new MillraceError('compose-not-found', `there is no compose ${id}`);
    if (compose.state === 'removed') throw new MillraceError('compose-closed', `compose ${id} has expired or was deleted, and its files with it`, { suggestion: 'Renew the compose, or upload the package.' });
  }

  private mayReadComposes(caller: Principal): boolean {
    const { authorization } = this.access;
    return authorization.isPublic('composes') || authorization.hasRole(caller, 'composes', 'reader');
  }

  private async mayPull(instance: string, request: FastifyRequest): Promise<boolean> {
    const { access } = this.caches;
    try {
      access.demand(await access.identify(readCredentials(request.raw)), 'pull', instance);
      return true;
    } catch {
      return false;
    }
  }
}
