import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { ChangeRequest, ContentReference, RepositoryChange } from '../../../libs/repository/repository-change.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { NewChange } from '../../../libs/repository-record/repository-record.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { changedBy } from '../access/caller.js';
import type { Access } from '../access/open-access.js';
import { ACCESS, LOGGER, REPOSITORIES, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { publication, removal, rollback, signing, uuid } from './change-schemas.js';
import type { ChangePage, ChangePreviewView, ChangeView } from './change-schemas.js';
import { changeError, filesOf, presentChange, presentPreview } from './present-repository.js';
import { RepositoriesService } from './repositories-service.js';
import type { RepositoryDependencies } from './repository-ports.js';
import { changeQuery } from './repository-schemas.js';
import { UploadSlots } from './upload-slots.js';

/** How the caller wants it, besides what the body says. */
export interface ChangeOptions {
  readonly caller: Principal;
  /** Milliseconds that the answer may take. */
  readonly wait: number;
  /** Aborts when nobody waits any more; the change is done all the same. */
  readonly gone: AbortSignal;
}

export interface PublishOptions extends ChangeOptions {
  /** See `ContentAccess.demand`. */
  readonly demandContents: (places: readonly ContentReference['from'][]) => Promise<void>;
}

/** Milliseconds between looks at the record while the workflow engine is away. */
const interval = 500;

/** Changes whose packages are read here at once to try them; each may take in some hundred megabytes of what hostile ones say. */
const trialsAtOnce = 2;

interface AskedChange {
  readonly changeId: string | undefined;
  readonly request: ChangeRequest;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** Changes of what a repository lists: durable first, then waited for. */
@Injectable()
export class ChangesService {
  private readonly trials = new UploadSlots(trialsAtOnce);

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REPOSITORIES) private readonly dependencies: RepositoryDependencies,
    @Inject(ACCESS) private readonly access: Access,
    @Inject(RepositoriesService) private readonly repositories: RepositoriesService,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async publish(name: string, body: unknown, { demandContents, ...options }: PublishOptions): Promise<ChangeView | ChangePreviewView> {
    const { changeId, uploads, contents, origin, component, force, dryRun } = validate(publication, parseJsonBody(body));
    await demandContents(contents.map(({ from }) => from));
    const repository = await this.repositories.find(name);
    if (component !== undefined) requireComponent(repository, component);
    const given = Object.fromEntries(Object.entries(origin).filter(([, value]) => value !== undefined));
    return this.change(repository, { changeId, request: { kind: 'publish', uploads: [...new Set(uploads)], contents, origin: given, ...(component === undefined ? {} : { component }) }, force, dryRun }, options);
  }

  async remove(name: string, body: unknown, options: ChangeOptions): Promise<ChangeView | ChangePreviewView> {
    const { changeId, keys, force, dryRun } = validate(removal, parseJsonBody(body));
    return this.change(await this.repositories.find(name), { changeId, request: { kind: 'remove', keys: [...new Set(keys)] }, force, dryRun }, options);
  }

  async rollBack(name: string, body: unknown, options: ChangeOptions): Promise<ChangeView | ChangePreviewView> {
    const { changeId, to, force, dryRun } = validate(rollback, parseJsonBody(body));
    return this.change(await this.repositories.find(name), { changeId, request: { kind: 'roll-back', to }, force, dryRun }, options);
  }

  async sign(name: string, body: unknown, options: ChangeOptions): Promise<ChangeView | ChangePreviewView> {
    const { changeId } = validate(signing, Buffer.isBuffer(body) && body.length > 0 ? parseJsonBody(body) : {});
    return this.change(await this.repositories.find(name), { changeId, request: { kind: 'sign' }, force: false, dryRun: false }, options);
  }

  /** Settings are in the record; what clients see of them follows with a state of its own. A repository without one has nothing to write again. */
  async configured(repository: Repository, options: ChangeOptions): Promise<void> {
    if (repository.state === 0) return;
    await this.change(repository, { changeId: undefined, request: { kind: 'configure' }, force: false, dryRun: false }, options);
  }

  async list(name: string, query: unknown): Promise<ChangePage> {
    const { limit, cursor } = validate(changeQuery, query);
    await this.repositories.find(name);
    const changes = await this.dependencies.reads.changes(name, { limit: limit + 1, ...(cursor === undefined ? {} : { before: cursor }) });
    const items = changes.slice(0, limit).map(presentChange);
    return { items, nextCursor: changes.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  async get(name: string, id: string, { wait, gone }: Pick<ChangeOptions, 'wait' | 'gone'>): Promise<ChangeView> {
    await this.repositories.find(name);
    const change = uuid.safeParse(id).success ? await this.dependencies.reads.change(id) : undefined;
    if (change?.repository !== name) throw new MillraceError('change-not-found', `the repository ${name} has no such change`);
    return presentChange(wait === 0 ? change : await this.settle(change, { wait, gone }));
  }

  private async change(repository: Repository, { changeId = randomUUID(), request, force, dryRun }: AskedChange, options: ChangeOptions): Promise<ChangeView | ChangePreviewView> {
    const { caller, gone } = options;
    if (force) this.access.authorization.requireRole(caller, 'repositories', 'admin');
    const asked: NewChange = { id: changeId, repository: repository.name, request, by: changedBy(caller), force };
    if (dryRun) return this.preview(asked, gone);
    const change = await this.dependencies.commands.requestChange(asked);
    this.log.info({ repository: repository.name, change: changeId, kind: request.kind, by: asked.by, force }, `a change of ${repository.name} was asked for`);
    const settled = await this.settle(change, options);
    if (settled.problem !== null) throw changeError(settled.problem);
    return presentChange(settled);
  }

  private async preview(asked: NewChange, signal: AbortSignal): Promise<ChangePreviewView> {
    const { id, repository, request, by, force } = asked;
    // Packages say what they are only when they were read.
    if (request.kind === 'publish') {
      const leave = await this.trials.enter(signal);
      await this.dependencies.engine.inspect({ id, repository, request, by, force, phase: 'waiting', outcome: null, problem: null, requestedAt: new Date().toISOString(), endedAt: null }, { signal }).finally(leave);
    }
    return presentPreview(await this.dependencies.commands.preview(asked), filesOf(repository, this.settings));
  }

  /** The change as it is when it has ended, or when the time is over. Whatever the workflow engine says, the record knows. */
  private async settle(change: RepositoryChange, { wait, gone }: Pick<ChangeOptions, 'wait' | 'gone'>): Promise<RepositoryChange> {
    const until = performance.now() + wait;
    let current = change;
    while (current.endedAt === null && !gone.aborted) {
      const left = until - performance.now();
      if (left <= 0) break;
      const heard = await this.dependencies.workflows.apply(change.repository, change.id, { deadline: Math.ceil(left) }).then(() => true, () => false);
      current = await this.dependencies.reads.change(change.id);
      if (!heard && current.endedAt === null) await pause(Math.min(interval, Math.max(0, until - performance.now())), undefined, { signal: gone }).catch(() => undefined);
    }
    return current;
  }
}

function requireComponent({ name, kind, settings }: Repository, component: string): void {
  if (kind !== 'deb') throw new MillraceError('invalid-request', `component: the repository ${name} is of kind ${kind}, which has none`);
  if (settings.deb !== null && !settings.deb.components.includes(component)) {
    throw new MillraceError('invalid-request', `component: the repository ${name} has no component ${component}`, { suggestion: `It has ${settings.deb.components.join(', ')}.` });
  }
}
