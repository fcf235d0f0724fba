import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { findingKinds } from '../../../libs/repository-checks/finding.js';
import type { CheckReport } from '../../../libs/repository-checks/finding.js';
import type { SynchroniseResult } from '../../../libs/repository-import/synchronise.js';
import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { ChangeOutcome, ChangeProblem, IndexFile, RepositoryChange, RepositoryState } from '../../../libs/repository/repository-change.js';
import type { Repository, RepositoryKind } from '../../../libs/repository/repository.js';
import type { RepositoryTotals } from '../../../libs/repository-record/repository-totals.js';
import type { ChangePreview, KnownPackage, NewChange, Upload } from '../../../libs/repository-record/repository-record.js';
import type { PackageFormat } from '../../../libs/repository-formats/package-format.js';
import type { RepositoryUpkeepStatus } from '../../../workflows/repository/repository-messages.js';
import type { RepositoryDependencies } from '../repositories/repository-ports.js';
import { MemoryObjects } from './memory-objects.js';

interface HeldRepository {
  repository: Repository;
  /** By state, from 1. */
  readonly lists: ListedPackage[][];
  readonly states: RepositoryState[];
}

const at = '2026-11-21T20:00:00.000Z';
const away = (): Promise<never> => Promise.reject(new MillraceError('workflow-engine-unavailable', 'connection refused'));

/** Repositories in memory: a package is named by its file, and lies below `packages/`. For specs of what the gateway itself does with HTTP. */
export class MemoryRepositories {
  readonly held = new Map<string, HeldRepository>();
  readonly uploads = new Map<string, Upload>();
  readonly changes = new Map<string, RepositoryChange>();
  readonly objects = new MemoryObjects();
  /** What was asked of `maintenance`, `workflows` and `engine`. */
  readonly calls: { readonly method: string; readonly name: string; readonly options?: unknown }[] = [];
  /** Whether the workflow does what is asked of it. */
  engine: 'works' | 'away' | 'hangs' = 'works';
  /** How what is done by the clock went. */
  upkeep: RepositoryUpkeepStatus = { check: null, synchronisation: null };
  /** What the next change fails with. */
  problem: ChangeProblem | undefined;
  report: CheckReport | undefined;
  readonly metadata = new Map<string, Buffer>();
  #made = 0;

  dependencies(): RepositoryDependencies {
    return {
      commands: {
        create: async ({ name, kind, place, settings }, by) => {
          if (this.held.has(name)) throw new MillraceError('repository-exists', `the repository ${name} is there already`);
          const repository: Repository = { name, kind, place, settings, state: 0, packages: 0, bytes: 0, createdAt: new Date(Date.parse(at) + (this.#made += 1)).toISOString(), createdBy: by, changedAt: at };
          this.held.set(name, { repository, lists: [], states: [] });
          return repository;
        },
        configure: async (name, settings) => {
          const held = this.#held(name);
          held.repository = { ...held.repository, settings };
          return held.repository;
        },
        remove: async (name, { force }) => {
          const { repository } = this.#held(name);
          if (repository.packages > 0 && !force) throw new MillraceError('change-guarded', `the repository ${name} lists ${repository.packages} packages`);
          this.held.delete(name);
        },
        requestChange: async (change) => this.#request(change),
        preview: async (change) => this.#preview(change),
      },
      reads: {
        get: async (name) => this.#held(name).repository,
        list: async ({ limit, after = '' }) => [...this.held.values()].map(({ repository }) => repository).filter(({ name }) => name > after).sort((one, other) => (one.name < other.name ? -1 : 1)).slice(0, limit),
        change: async (id) => this.changes.get(id) ?? lost('change-not-found', id),
        changes: async (name, { limit, before }) => {
          const all = [...this.changes.values()].filter(({ repository }) => repository === name).reverse();
          const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
          return all.slice(from, from + limit);
        },
        upload: async (id) => this.uploads.get(id) ?? lost('upload-not-found', id),
        states: async (name, { limit, before = Infinity }) => this.#held(name).states.filter(({ state }) => state < before).reverse().slice(0, limit),
        state: async (name, state) => this.#held(name).states[state - 1] ?? lost('state-not-found', String(state)),
        packages: async (name, { state, limit, after = '', search = '' }) => this.#list(name, state).filter(({ key }) => key > after && key.includes(search)).slice(0, limit),
        allPackages: (name, state) => each(this.#list(name, state)),
        package: async (name, key) => this.#known(name, key),
        metadata: async (_kind, digests) => new Map(digests.flatMap((digest) => [...this.metadata].filter(([held]) => held === digest))),
        diff: async (name, from, to) => {
          const [one, other] = [this.#list(name, from), this.#list(name, to)];
          const missing = (list: readonly ListedPackage[], other: readonly ListedPackage[]): ListedPackage[] => list.filter(({ key }) => !other.some((each) => each.key === key));
          return { added: missing(other, one), removed: missing(one, other) };
        },
        totals: async () => [...this.held.values()].map(({ repository }) => totalsOf(repository)),
        origins: async (sha256) => (sha256.startsWith('0') ? [] : [{ session: 'c'.repeat(32), found: true }, { build: 'b7', repository: 'stable', found: true }, { compose: 7, found: true }, { cache: { instance: 'closed', key: 'built' }, found: true }]),
      },
      stores: {
        names: ['default'],
        open: ({ store }) => (store === 'default' ? this.objects.store() : invalid(`there is no store ${store}`)),
        publicUrl: ({ folder }) => (folder === 'public' ? 'https://bucket.example/public' : undefined),
      },
      engine: {
        receive: async (name, content, { id, fileName, by, sha256 }) => {
          this.calls.push({ method: 'receive', name, options: { id, fileName, by } });
          const key = `.incoming/${id}`;
          const stored = await this.objects.receive(key, content);
          if (sha256 !== undefined && sha256 !== stored.sha256) {
            this.objects.held.delete(key);
            throw new MillraceError('digest-mismatch', `${fileName} has the digest ${stored.sha256}, not ${sha256}`);
          }
          const upload: Upload = { id, repository: name, fileName, sha256: stored.sha256, size: stored.size, by, uploadedAt: at, key: null };
          this.uploads.set(id, upload);
          return upload;
        },
        discard: async (_name, id) => {
          this.objects.held.delete(`.incoming/${id}`);
          if (!this.uploads.delete(id)) throw new MillraceError('upload-not-found', `there is no upload ${id}`);
        },
        inspect: async ({ repository }) => void this.calls.push({ method: 'inspect', name: repository }),
      },
      formats: new Map<RepositoryKind, Pick<PackageFormat, 'relations' | 'satisfies' | 'compareVersions'>>([['rpm', plainFormat], ['deb', plainFormat]]),
      resolvers: new Map(),
      keys: { list: async () => [{ name: 'release', kind: 'openpgp', fingerprint: 'AB', publicKey: '-----BEGIN PGP PUBLIC KEY BLOCK-----', expiresAt: null, held: 'service' }] },
      workflows: {
        apply: (name, id, { deadline }) => {
          this.calls.push({ method: 'apply', name, options: { id, deadline } });
          if (this.engine === 'works') return this.#apply(id);
          return this.engine === 'away' ? away() : new Promise((_resolve, reject) => setTimeout(() => reject(new MillraceError('workflow-engine-unavailable', 'no answer in time')), deadline).unref());
        },
        changed: async (name) => void this.calls.push({ method: 'changed', name }),
        status: (name) => (this.engine === 'works' ? Promise.resolve({ name, state: this.#held(name).repository.state, step: 'idle', waiting: 0, trouble: null }) : away()),
        upkeep: () => (this.engine === 'works' ? Promise.resolve(this.upkeep) : away()),
      },
      maintenance: {
        prune: async (name, { signal: _, ...options }) => {
          this.calls.push({ method: 'prune', name, options });
          return { moved: ['old.rpm'], deleted: [], strangers: ['packages/evil.rpm'] };
        },
        check: async (name, { signal: _, ...options }) => {
          this.calls.push({ method: 'check', name, options });
          return (this.report = emptyReport(name));
        },
        repair: async (name, { signal: _, ...options }) => {
          this.calls.push({ method: 'repair', name, options });
          return { report: emptyReport(name), steps: [], changes: [], left: [] };
        },
        synchronise: async (name, { signal: _, ...options }) => {
          this.calls.push({ method: 'synchronise', name, options });
          const { upstream } = this.#held(name).repository.settings;
          return upstream === null ? invalid(`the repository ${name} is no mirror`) : nothingTaken(name, upstream.url);
        },
        takeOver: async (name, from, { signal: _, ...options }) => {
          this.calls.push({ method: 'takeOver', name, options: { from, ...options } });
          return nothingTaken(name, from.url);
        },
        report: async () => this.report,
        reportText: async () => (this.report === undefined ? undefined : 'repo consistency report at 1\n'),
      },
    };
  }

  /** A published state with these packages and files of its index; the switched ones have copies of their own, as the engine leaves them. */
  publish(name: string, keys: readonly string[], index: Readonly<Record<string, string>> = {}, when = at): number {
    const held = this.#held(name);
    const before = held.lists.at(-1) ?? [];
    const list = keys.toSorted().map((key): ListedPackage => before.find((each) => each.key === key) ?? { key, sha256: this.objects.set(`packages/${key}`, `content of ${key}`), size: `content of ${key}`.length, path: `packages/${key}`, name: key.split('-')[0] ?? key, version: '1', architecture: 'noarch', component: '', addedAt: when });
    const state = held.lists.push(list);
    const files = Object.entries(index).map(([path, text]): IndexFile => {
      const sha256 = this.objects.set(path, text);
      this.objects.set(`.states/${state}/${path}`, text);
      return { path, sha256, size: Buffer.byteLength(text) };
    });
    held.states.push({ state, at: when, kinds: ['publish'], by: ['craft'], packages: list.length, bytes: 0, added: list.length, removed: 0, index: files });
    held.repository = { ...held.repository, state, packages: list.length };
    return state;
  }

  #request(change: NewChange): RepositoryChange {
    const known = this.changes.get(change.id);
    if (known !== undefined && !isDeepStrictEqual(known.request, change.request)) throw new MillraceError('idempotency-conflict', `the change ${change.id} is another one`);
    if (known !== undefined) return known;
    const { request } = change;
    if (request.kind === 'publish') for (const id of request.uploads) if (!this.uploads.has(id)) lost('upload-not-found', id);
    if (request.kind === 'remove') for (const key of request.keys) this.#known(change.repository, key);
    if (request.kind === 'roll-back' && this.#held(change.repository).states[request.to - 1] === undefined) lost('state-not-found', String(request.to));
    const made: RepositoryChange = { ...change, phase: 'waiting', outcome: null, problem: null, requestedAt: at, endedAt: null };
    this.changes.set(change.id, made);
    return made;
  }

  async #apply(id: string): Promise<ChangeOutcome> {
    const change = this.changes.get(id) ?? lost('change-not-found', id);
    if (change.outcome !== null) return change.outcome;
    if (this.problem !== undefined) {
      this.changes.set(id, { ...change, phase: 'failed', problem: this.problem, endedAt: at });
      throw new MillraceError('package-invalid', this.problem.message);
    }
    const { added, removed } = this.#preview(change);
    const removedKeys = removed.map(({ key }) => key);
    const list = [...this.#list(change.repository).map(({ key }) => key).filter((key) => !removedKeys.includes(key)), ...added.map(({ key }) => key)];
    const state = this.publish(change.repository, list);
    const outcome: ChangeOutcome = { state, added: added.map(({ key }) => key), same: [], removed: removedKeys, obsoleted: [] };
    this.changes.set(id, { ...change, phase: 'done', outcome, endedAt: at });
    return outcome;
  }

  #preview({ repository, request }: Pick<NewChange, 'repository' | 'request'>): ChangePreview {
    const listed = this.#list(repository);
    const removed = request.kind === 'remove' ? listed.filter(({ key }) => request.keys.includes(key)) : request.kind === 'roll-back' ? listed.filter(({ key }) => !this.#list(repository, request.to).some((each) => each.key === key)) : [];
    const added = request.kind === 'publish' ? request.uploads.map((id): ListedPackage => {
      const { fileName, sha256, size } = this.uploads.get(id) ?? lost('upload-not-found', id);
      return { key: fileName, sha256, size, path: `packages/${fileName}`, name: fileName, version: '1', architecture: 'noarch', component: '', addedAt: at };
    }) : [];
    return { added, same: [], removed, obsoleted: [], problem: this.problem };
  }

  #known(name: string, key: string): KnownPackage {
    const { lists } = this.#held(name);
    const states = lists.flatMap((list, position) => (list.some((each) => each.key === key) ? [position + 1] : []));
    const found = lists.flat().find((each) => each.key === key);
    if (found === undefined) throw new MillraceError('package-not-found', `the repository ${name} does not list ${key}`);
    return { ...found, listed: [{ from: states[0] ?? 0, until: states.at(-1) === lists.length ? null : (states.at(-1) ?? 0) }], origin: { build: 'b1' }, publishedBy: 'craft' };
  }

  #list(name: string, state = this.#held(name).lists.length): readonly ListedPackage[] {
    return this.#held(name).lists[state - 1] ?? [];
  }

  #held(name: string): HeldRepository {
    const held = this.held.get(name);
    if (held === undefined) throw new MillraceError('repository-not-found', `there is no repository ${name}`);
    return held;
  }
}

/** Metadata is JSON: what is provided and required, by names. */
const plainFormat: Pick<PackageFormat, 'relations' | 'satisfies' | 'compareVersions'> = {
  relations: (metadata) => {
    const { provides = [], requires = [] } = JSON.parse(metadata.toString()) as { provides?: string[]; requires?: string[] };
    return { provides: provides.map((name) => ({ name })), requires: requires.map((name) => [{ name }]), conflicts: [] };
  },
  satisfies: (required, provided) => required.name === provided.name,
  compareVersions: (one, other) => (one < other ? -1 : Number(one > other)),
};

function emptyReport(repository: string): CheckReport {
  const counts = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as CheckReport['counts'];
  return { repository, kind: 'rpm', state: 1, depth: 'quick', startedAt: at, endedAt: at, packages: 0, objects: 0, bytesRead: 0, counts, findings: [] };
}

function nothingTaken(repository: string, upstream: string): SynchroniseResult {
  return { repository, upstream, indexSha256: 'a'.repeat(64), listed: 0, wanted: 0, taken: 0, bytes: 0, removed: [], refused: [], refusals: 0, changes: [] };
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

function lost(code: 'change-not-found' | 'upload-not-found' | 'state-not-found', what: string): never {
  throw new MillraceError(code, `there is no ${what}`);
}

function invalid(message: string): never {
  throw new MillraceError('invalid-request', message);
}

function totalsOf({ name, state, packages, bytes }: Repository): RepositoryTotals {
  return { repository: name, state, packages, bytes, waiting: 0, oldestSeconds: 0, lastSeconds: 0, lastFailed: false, publishedAt: 0, uploads: 0, uploadBytes: 0 };
}
