import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { isMillraceError, MillraceError } from '../../../libs/errors/millrace-error.js';
import { parseRepositoryInfo } from '../../../libs/haiku/repository/repository-info-text.js';
import type { HaikuSettings, Repository, RepositoryKind } from '../../../libs/repository/repository.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { LOGGER, REPOSITORIES, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { withDeadline } from '../http/with-deadline.js';
import { ContentAccess } from './content-access.js';
import type { Asking } from './content-access.js';
import { filesOf, presentPackage, presentRepository, presentState } from './present-repository.js';
import type { CallDeadline, RepositoryDependencies } from './repository-ports.js';
import { diffQuery, newRepository, packageQuery, removalQuery, repositoryName, repositoryQuery, settingsChange, sha256, stateQuery } from './repository-schemas.js';
import type { KeyList, KnownPackageView, Origins, PackagePage, RepositoryDetail, RepositoryPage, RepositoryView, StateDiff, StatePage, StateView } from './repository-schemas.js';
import { parseRepositorySettings } from '../../../libs/repository/repository-settings.js';

const statusMilliseconds = 1500;
/** More are refused by the settings themselves. */
const mostOthers = 10;

/** Repositories themselves, and what is read of them. Their list is changed by `changes-service.ts`. */
@Injectable()
export class RepositoriesService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REPOSITORIES) private readonly repositories: RepositoryDependencies,
    @Inject(ContentAccess) private readonly contents: ContentAccess,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async list(query: unknown): Promise<RepositoryPage> {
    const { limit, cursor } = validate(repositoryQuery, query);
    const found = await this.repositories.reads.list({ limit: limit + 1, ...(cursor === undefined ? {} : { after: cursor }) });
    const items = found.slice(0, limit).map((each) => this.present(each));
    return { items, nextCursor: found.length > limit ? (items.at(-1)?.name ?? null) : null };
  }

  async get(name: string): Promise<RepositoryDetail> {
    const repository = await this.find(name);
    const { workflows } = this.repositories;
    const [status, upkeep] = await Promise.all([answerOf((options) => workflows.status(name, options)), answerOf((options) => workflows.upkeep(name, options))]);
    return { ...this.present(repository), status: status === null ? null : { step: status.step, waiting: status.waiting, trouble: status.trouble }, upkeep };
  }

  async create(body: unknown, by: string): Promise<RepositoryView> {
    const { name, kind, store, folder = name, settings, repoInfo } = validate(newRepository, parseJsonBody(body));
    if (repoInfo !== undefined && kind !== 'haiku') throw new MillraceError('invalid-request', 'repoInfo: is for repositories of haiku');
    const given = this.withAddress(name, repoInfo === undefined ? settings : { ...settings, haiku: readInfo(repoInfo) });
    const place = { store, folder: folder.replace(/^\/+|\/+$/g, '') };
    this.repositories.stores.open(place);
    await this.requireKeys(given['keys']);
    await this.requireOthers(kind, given['checkWith']);
    const created = await this.repositories.commands.create({ name, kind, place, settings: parseRepositorySettings(kind, given) }, by);
    this.log.info({ repository: name, kind, by }, `the repository ${name} is created`);
    // A mirror begins at once, and whoever looks finds a workflow that answers; without Temporal the worker's sweep does it later.
    await this.repositories.workflows.changed(name, { deadline: statusMilliseconds }).catch(() => undefined);
    return this.present(created);
  }

  /** The settings as they are then; a change of kind `configure` lets clients see them. */
  async configure(name: string, body: unknown, by: string): Promise<Repository> {
    const { settings } = validate(settingsChange, parseJsonBody(body));
    const { kind, settings: before } = await this.find(name);
    await this.requireKeys(settings['keys']);
    await this.requireOthers(kind, settings['checkWith']);
    const configured = await this.repositories.commands.configure(name, parseRepositorySettings(kind, { ...before, ...settings }), by);
    this.log.info({ repository: name, by }, `the repository ${name} has other settings`);
    return configured;
  }

  async remove(name: string, query: unknown, by: string): Promise<void> {
    const { force } = validate(removalQuery, query);
    await this.find(name);
    await this.repositories.commands.remove(name, { by, force: force === 'true' });
    this.log.info({ repository: name, by }, `the repository ${name} is removed; its objects stay`);
    await this.repositories.workflows.changed(name, { deadline: statusMilliseconds }).catch(() => undefined); // it finds out by itself, later
  }

  async packages(name: string, query: unknown): Promise<PackagePage> {
    const { limit, cursor, state, search } = validate(packageQuery, query);
    const repository = await this.find(name);
    const shown = state === undefined ? repository.state : Number(state);
    if (state !== undefined) await this.repositories.reads.state(name, shown);
    const page = { state: shown, limit: limit + 1, ...(cursor === undefined ? {} : { after: cursor }), ...(search === undefined ? {} : { search }) };
    const found = shown === 0 ? [] : await this.repositories.reads.packages(name, page);
    const files = filesOf(name, this.settings);
    const items = found.slice(0, limit).map((each) => presentPackage(each, files));
    return { state: shown, items, nextCursor: found.length > limit ? (items.at(-1)?.key ?? null) : null };
  }

  async package(name: string, key: string, asking: Asking): Promise<KnownPackageView> {
    await this.find(name);
    const known = await this.repositories.reads.package(name, key);
    // What was said to this repository is told as it was; what was found elsewhere, to whoever may look there.
    const origin = known.origin.found === true ? (await this.contents.shown([known.origin], asking))[0] : known.origin;
    return { ...presentPackage(known, filesOf(name, this.settings)), listed: known.listed.map((each) => ({ ...each })), origin: { ...origin }, publishedBy: known.publishedBy };
  }

  async states(name: string, query: unknown): Promise<StatePage> {
    const { limit, cursor } = validate(stateQuery, query);
    await this.find(name);
    const states = await this.repositories.reads.states(name, { limit: limit + 1, ...(cursor === undefined ? {} : { before: Number(cursor) }) });
    const items = states.slice(0, limit).map(presentState);
    return { items, nextCursor: states.length > limit ? String(items.at(-1)?.state) : null };
  }

  async state(name: string, number: string): Promise<StateView> {
    await this.find(name);
    if (!/^\d{1,9}$/.test(number)) throw new MillraceError('state-not-found', `${number.slice(0, 40)} is not the number of a state`);
    return presentState(await this.repositories.reads.state(name, Number(number)));
  }

  async diff(name: string, query: unknown): Promise<StateDiff> {
    const { from, to } = validate(diffQuery, query);
    await this.find(name);
    const { added, removed } = await this.repositories.reads.diff(name, Number(from), Number(to));
    const files = filesOf(name, this.settings);
    const present = (packages: typeof added): StateDiff['added'] => packages.map((each) => presentPackage(each, files));
    return { from: Number(from), to: Number(to), added: present(added), removed: present(removed) };
  }

  /** Those that sign it now; public halves. */
  async keys(name: string): Promise<KeyList> {
    const { settings } = await this.find(name);
    const known = await this.repositories.keys.list();
    return { items: known.filter((key) => settings.keys.includes(key.name)).map((key) => ({ ...key })) };
  }

  async origins(digest: string, asking: Asking): Promise<Origins> {
    const items = await this.contents.shown(await this.repositories.reads.origins(validate(sha256, digest)), asking);
    return { sha256: digest, items: items.map((each) => ({ ...each }) as Origins['items'][number]) };
  }

  /** Errors: `repository-not-found`. */
  async find(name: string): Promise<Repository> {
    if (!repositoryName.safeParse(name).success) throw new MillraceError('repository-not-found', 'there is no repository of this name');
    return this.repositories.reads.get(name);
  }

  present(repository: Repository): RepositoryView {
    return presentRepository(repository, { settings: this.settings, stores: this.repositories.stores });
  }

  /** Haiku's clients are told where a repository is by the repository itself. */
  private withAddress(name: string, settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { haiku } = settings as { readonly haiku?: Readonly<Partial<HaikuSettings>> | null };
    return typeof haiku !== 'object' || haiku === null || (haiku.baseUrl ?? '') !== '' ? settings : { ...settings, haiku: { ...haiku, baseUrl: filesOf(name, this.settings) } };
  }

  /** That a key is wrong should show before everything waits for it. */
  private async requireKeys(named: unknown): Promise<void> {
    if (!Array.isArray(named) || named.length === 0) return;
    // `default` is made at its first use.
    const known = new Set(['default', ...(await this.repositories.keys.list()).map(({ name }) => name)]);
    const unknown = named.filter((each) => !known.has(String(each)));
    if (unknown.length > 0) throw new MillraceError('key-not-found', `there is no signing key ${unknown.map((each) => String(each).slice(0, 100)).join(', ')}`, { suggestion: 'MILLRACE_REPOSITORY_KEYS names the file of keys.' });
  }

  /** Nor that it is checked with what there is not. */
  private async requireOthers(kind: RepositoryKind, named: unknown): Promise<void> {
    if (!Array.isArray(named)) return;
    for (const name of named.slice(0, mostOthers).map(String)) {
      const other = await this.find(name).catch((error: unknown) => {
        if (isMillraceError(error) && error.code === 'repository-not-found') return undefined;
        throw error;
      });
      if (other?.kind !== kind) throw new MillraceError('invalid-request', `checkWith: there is no ${kind} repository ${name.slice(0, 128)}`, { suggestion: 'Name a repository of the same kind that this service has, such as a mirror of the base system.' });
    }
  }
}

/** Null: a workflow does not answer in time. The rest of what is told is from the record. */
async function answerOf<T>(ask: (options: CallDeadline) => Promise<T>): Promise<T | null> {
  return withDeadline(ask({ deadline: statusMilliseconds }), statusMilliseconds, () => new Error('no answer in time')).catch(() => null);
}

function readInfo(text: string): HaikuSettings {
  try {
    const { name, identifier, baseUrl, vendor, summary, priority, architecture } = parseRepositoryInfo(text);
    return { name, identifier, baseUrl, vendor, summary, priority, architecture };
  } catch (error) {
    throw new MillraceError('invalid-request', `repoInfo: ${errorMessage(error)}`, { cause: error });
  }
}
