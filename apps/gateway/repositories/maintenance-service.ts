import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CheckReport } from '../../../libs/repository-checks/finding.js';
import type { Synchronising } from '../../../libs/repository-checks/repository-maintenance.js';
import type { RepairResult } from '../../../libs/repository-checks/repair-repository.js';
import type { SynchroniseResult } from '../../../libs/repository-import/synchronise.js';
import type { Access } from '../access/open-access.js';
import { changedBy } from '../access/caller.js';
import { ACCESS, LOGGER, REPOSITORIES } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { checking, importing, maintenance } from './change-schemas.js';
import type { PrunedView } from './change-schemas.js';
import { RepositoriesService } from './repositories-service.js';
import type { RepositoryDependencies } from './repository-ports.js';

/** What operators do to a repository besides changing its list. */
@Injectable()
export class MaintenanceService {
  constructor(
    @Inject(REPOSITORIES) private readonly dependencies: RepositoryDependencies,
    @Inject(RepositoriesService) private readonly repositories: RepositoriesService,
    @Inject(ACCESS) private readonly access: Access,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async prune(name: string, body: unknown, asked: Asked): Promise<PrunedView> {
    const options = await this.options(name, body, asked);
    const { moved, deleted, strangers } = await this.dependencies.maintenance.prune(name, options);
    this.log.info({ repository: name, by: options.by, dryRun: options.dryRun, moved: moved.length, deleted: deleted.length, strangers: strangers.length }, `${name} was pruned`);
    return { dryRun: options.dryRun, moved: [...moved], deleted: [...deleted], strangers: [...strangers] };
  }

  async check(name: string, body: unknown, { caller, signal }: Asked): Promise<CheckReport> {
    const { deep } = validate(checking, bodyOr(body));
    await this.repositories.find(name);
    this.log.info({ repository: name, by: changedBy(caller), deep }, `${name} is checked`);
    return this.dependencies.maintenance.check(name, { deep, signal });
  }

  async repair(name: string, body: unknown, asked: Asked): Promise<RepairResult> {
    return this.dependencies.maintenance.repair(name, await this.options(name, body, asked));
  }

  async synchronise(name: string, body: unknown, asked: Asked): Promise<SynchroniseResult> {
    const options = await this.options(name, body, asked);
    return this.dependencies.maintenance.synchronise(name, options);
  }

  /** Takes over what lies elsewhere, once. */
  async takeOver(name: string, body: unknown, { caller, signal }: Asked): Promise<SynchroniseResult> {
    const { url, keys, dryRun, force } = validate(importing, parseJsonBody(body));
    await this.repositories.find(name);
    const by = changedBy(caller);
    const taken = await this.dependencies.maintenance.takeOver(name, { url, ...(keys === undefined ? {} : { keys }) }, { by, dryRun, force, signal });
    this.log.info({ repository: name, by, dryRun, wanted: taken.wanted, taken: taken.taken, refusals: taken.refusals }, `${name} has taken over packages`);
    return taken;
  }

  async report(name: string): Promise<CheckReport> {
    await this.repositories.find(name);
    return (await this.dependencies.maintenance.report(name)) ?? unchecked(name);
  }

  async reportText(name: string): Promise<string> {
    await this.repositories.find(name);
    return (await this.dependencies.maintenance.reportText(name)) ?? unchecked(name);
  }

  private async options(name: string, body: unknown, { caller, signal }: Asked): Promise<Synchronising> {
    const { dryRun, force } = validate(maintenance, bodyOr(body));
    if (force) this.access.authorization.requireRole(caller, 'repositories', 'admin');
    await this.repositories.find(name);
    return { by: changedBy(caller), dryRun, force, signal };
  }
}

export interface Asked {
  readonly caller: Principal;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
}

function bodyOr(body: unknown): unknown {
  return Buffer.isBuffer(body) && body.length > 0 ? parseJsonBody(body) : {};
}

function unchecked(name: string): never {
  throw new MillraceError('blob-not-found', `the repository ${name} was not checked yet`, { suggestion: `Check it: POST /v1/repositories/${name}/check (millrace repo check).` });
}
