import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { REPOSITORIES, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import type { BuilderChoice, OfferedPackage } from '../../../libs/repository-formats/builder-request.js';
import { feedRequest } from './feed-schemas.js';
import type { Feed } from './feed-schemas.js';
import { fileUrl, filesOf } from './present-repository.js';
import { RepositoriesService } from './repositories-service.js';
import type { RepositoryDependencies } from './repository-ports.js';
import { resolveRelations } from './resolve-relations.js';

/** Packages whose metadata is asked for at once. */
const pageSize = 500;
/** Feeds that are worked out at once in this process; each holds what is known of a repository. */
const atOnce = 2;

interface Offered {
  readonly repository: Repository;
  readonly packages: readonly ListedPackage[];
}

/** Tells builders what to fetch and what to drop, so that nothing is sent twice. */
@Injectable()
export class FeedService {
  private running: Promise<unknown>[] = [];

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REPOSITORIES) private readonly dependencies: RepositoryDependencies,
    @Inject(RepositoriesService) private readonly repositories: RepositoriesService,
  ) {}

  async feed(name: string, body: unknown): Promise<Feed> {
    const asked = validate(feedRequest, parseJsonBody(body));
    const repository = await this.repositories.find(name);
    const system = asked.systemRepository === undefined || asked.systemRepository === name ? undefined : await this.repositories.find(asked.systemRepository);
    if (system !== undefined && system.kind !== repository.kind) throw new MillraceError('invalid-request', `systemRepository: ${system.name} is of kind ${system.kind}, ${name} of kind ${repository.kind}`);
    return this.inTurn(async () => {
      const [own, others] = [await this.offered(repository), system === undefined ? undefined : await this.offered(system)];
      const listed = new Map([...(others?.packages ?? []).map((each) => [each.key, { each, from: others?.repository.name ?? name }] as const), ...own.packages.map((each) => [each.key, { each, from: name }] as const)]);
      const { chosen, unresolved } = await this.choose(asked.wanted, { own, others, isListed: (key) => listed.has(key), present: system === undefined ? asked.systemPackages : [] });
      const has = new Set([...asked.packages, ...asked.systemPackages]);
      const fetch = chosen.flatMap((key) => (has.has(key) ? [] : [listed.get(key)].filter((found) => found !== undefined).map(({ each, from }) => ({ key, repository: from, sha256: each.sha256, size: each.size, url: fileUrl(filesOf(from, this.settings), each.path) }))));
      // Nobody here knows what belongs to a system of the builder's own.
      const staying = new Set(asked.systemRepository === undefined ? asked.systemPackages : []);
      const [keep, drop] = [[...has].filter((key) => listed.has(key) || staying.has(key)), [...has].filter((key) => !listed.has(key) && !staying.has(key))];
      return { state: repository.state, fetch, keep: keep.sort(), drop: drop.sort(), unresolved: unresolved.map((each) => ({ ...each })) };
    });
  }

  private async choose(wanted: readonly string[], { own, others, isListed, present }: { readonly own: Offered; readonly others: Offered | undefined; readonly isListed: (key: string) => boolean; readonly present: readonly string[] }): Promise<BuilderChoice> {
    if (wanted.length === 0) return { chosen: [], unresolved: [] };
    const { kind } = own.repository;
    const resolver = this.dependencies.resolvers.get(kind);
    // A package manager of the builder's own resolves what it is given by name.
    if (resolver === undefined && wanted.every(isListed)) return { chosen: [...new Set(wanted)], unresolved: [] };
    const format = this.dependencies.formats.get(kind);
    const request = { wanted, packages: this.described(own), systemPackages: this.described(others), present };
    if (resolver !== undefined) return resolver(request).catch(rethrowMistake);
    if (format === undefined) throw new MillraceError('internal', `there is no format for repositories of kind ${kind}`);
    return resolveRelations(format, request);
  }

  private async offered(repository: Repository): Promise<Offered> {
    const packages: ListedPackage[] = [];
    if (repository.state > 0) for await (const each of this.dependencies.reads.allPackages(repository.name, repository.state)) packages.push(each);
    return { repository, packages };
  }

  private async *described(offered: Offered | undefined): AsyncGenerator<OfferedPackage> {
    if (offered === undefined) return;
    const { repository, packages } = offered;
    for (let begin = 0; begin < packages.length; begin += pageSize) {
      const page = packages.slice(begin, begin + pageSize);
      const known = await this.dependencies.reads.metadata(repository.kind, page.map(({ sha256 }) => sha256));
      for (const [at, listed] of page.entries()) {
        // Whoever reads them computes for a while: others are served in between.
        if (at % 20 === 0) await setImmediate();
        const metadata = known.get(listed.sha256);
        if (metadata !== undefined) yield { listed, metadata };
      }
    }
  }

  private async inTurn(work: () => Promise<Feed>): Promise<Feed> {
    while (this.running.length >= atOnce) await Promise.race(this.running);
    const done = work();
    const quiet = done.catch(() => undefined).finally(() => (this.running = this.running.filter((each) => each !== quiet)));
    this.running.push(quiet);
    return done;
  }
}

/** A requirement that is none is the caller's mistake. */
function rethrowMistake(error: unknown): never {
  if (isMillraceError(error) && error.code === 'source-invalid') throw new MillraceError('invalid-request', `wanted: ${error.message}`, { cause: error });
  throw error;
}
