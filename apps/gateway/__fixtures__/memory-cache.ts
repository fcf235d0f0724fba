import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { CacheAccess, CacheCaller } from '../../../libs/cache-access/cache-access.js';
import type { ArtifactCache } from '../../../libs/cache-engine/artifact-cache.js';
import { digestText, isEmptyBlob } from '../../../libs/cache/cache-digest.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import type { CacheEntry, EntryName } from '../../../libs/cache/cache-entry.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheDependencies } from '../caches/cache-ports.js';
import type { Access } from '../access/open-access.js';
import { authorization as controlCredentials } from './control-credentials.js';

const at = '2026-11-21T20:00:00.000Z';
const away = (): Promise<never> => Promise.reject(new MillraceError('workflow-engine-unavailable', 'connection refused'));
const absent = (): Promise<never> => Promise.reject(new Error('no instance here is an OSTree repository'));
export const testInstance = (name: string): CacheInstance => ({ name, quota: { high: 1000, low: 800 }, limit: 1100, lease: 3600, maximumAge: undefined, blobBytes: 8 * 1024 * 1024, evictionPaused: false });

/** An artifact cache in memory, for specs of what the gateway itself does with HTTP. Everybody pulls from `main`; who shows the control credentials may do all. */
export class MemoryCache {
  readonly instances = [testInstance('main'), testInstance('team/one'), testInstance('closed')];
  readonly blobs = new Map<string, Buffer>();
  readonly entries = new Map<string, CacheEntry>();
  /** What was asked of workflows and of the access. */
  readonly calls: { readonly method: string; readonly options: unknown }[] = [];
  engine: 'works' | 'away' = 'works';
  store: 'works' | 'away' = 'works';
  /** What the next push fails with. */
  failure: MillraceError | undefined;
  /** Blobs that are in the record and not in the store. */
  readonly lost = new Set<string>();
  /** Whoever was let in before may do nothing any more. */
  revoked = false;
  bytesCounted = 0;
  /** What the next verification finds. */
  lostBlobs = 0;

  /** `access`: its roles hold in every instance. */
  dependencies(access?: Pick<Access, 'authorization'>): CacheDependencies {
    return { cache: this.#cache(), access: this.#access(access?.authorization), byHash: this.#byHash(), record: this.#record(), workflows: this.#workflows(), storeAnswers: () => Promise.resolve(this.store === 'works'), ostree: { instances: new Set(), store: { head: absent, get: absent } } };
  }

  #cache(): ArtifactCache {
    const unused = (): never => {
      throw new Error('the gateway does not do this');
    };
    return {
      instances: this.instances,
      instance: (name) => this.#instance(name),
      findMissing: async (instance, digests) => digests.filter((digest) => !this.blobs.has(blobKey(instance, digest))),
      readBlob: async (instance, digest, { offset = 0, limit } = {}) => {
        const bytes = isEmptyBlob(digest) ? Buffer.alloc(0) : this.blobs.get(blobKey(instance, digest));
        if (bytes === undefined || this.lost.has(digest.hash)) throw new MillraceError('blob-not-found', `there is no ${digestText(digest)}`);
        return { size: bytes.length, content: Readable.from([bytes.subarray(offset, limit === undefined ? undefined : offset + limit)]) };
      },
      readBlobs: unused,
      writeBlob: async (instance, digest, content) => {
        if (this.failure !== undefined) throw this.failure;
        if (this.blobs.has(blobKey(instance, digest))) return;
        const chunks: Buffer[] = [];
        for await (const chunk of content) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        if (bytes.length !== digest.size || createHash('sha256').update(bytes).digest('hex') !== digest.hash) throw new MillraceError('digest-mismatch', 'what arrived is something else');
        this.blobs.set(blobKey(instance, digest), bytes);
      },
      writeBlobs: unused,
      uploads: { status: unused, open: unused },
      findEntry: async (name) => this.entries.get(entryKey(name)),
      putEntry: async (draft, { by }) => {
        const entry: CacheEntry = { ...draft, pushedAt: at, pushedBy: by };
        this.entries.set(entryKey(draft), entry);
        return entry;
      },
      removeEntry: async (name) => this.entries.delete(entryKey(name)),
      walkDirectories: unused,
    };
  }

  #access(authorization: Access['authorization'] | undefined): CacheAccess {
    const caller = (name: string, groups: readonly string[] = []): CacheCaller => ({ name, session: undefined, groups });
    return {
      identify: async (shown) => {
        if (shown.authorization === undefined) return caller('anonymous');
        if (shown.authorization === controlCredentials || shown.authorization === 'Bearer craft') return caller('craft');
        const [, named] = /^Named (.+)$/.exec(shown.authorization) ?? [];
        if (named === undefined || named === 'nobody') throw new MillraceError('unauthorized', 'the credentials are wrong or expired');
        const { name, groups } = JSON.parse(decodeURIComponent(named)) as CacheCaller;
        return caller(name, groups);
      },
      demand: ({ name }, action, instance) => {
        if (name === 'craft' || (action === 'pull' && instance !== 'closed')) return;
        if (name === 'anonymous') throw new MillraceError('unauthorized', 'credentials are missing');
        throw new MillraceError('forbidden', `${name} may not ${action} here`);
      },
      recheck: async () => {
        if (this.revoked) throw new MillraceError('forbidden', 'the right is gone');
      },
      hasRole: ({ name, groups }, role) => name === 'craft' || authorization?.hasRole({ name, groups, by: 'bearer', scopes: undefined }, 'cache', role) === true,
      count: async (_caller, _instance, bytes) => {
        this.bytesCounted += bytes;
        if (this.bytesCounted > 64 * 1024 * 1024) throw new MillraceError('quota-exceeded', 'too many bytes a minute');
      },
      origin: (_caller, said) => said,
      took: ({ name }, { kind, key }, how) => void this.calls.push({ method: 'took', options: { name, kind, key, how } }),
      challenges: ['Basic realm="cache"', 'Bearer'],
      close: async () => undefined,
    };
  }

  #byHash(): CacheDependencies['byHash'] {
    return {
      findBlob: async (instance, name) => {
        const [, size] = [...this.blobs].find(([key]) => key.startsWith(`${instance} ${name.function}:${name.hash}/`))?.[0].split('/').slice(-2) ?? [];
        return size === undefined ? undefined : { ...name, size: Number(size) };
      },
      findAction: async (instance, hash) => [...this.entries.values()].find((entry) => entry.instance === instance && entry.kind === 'action' && entry.key.startsWith(`sha256:${hash}/`))?.key,
    };
  }

  #record(): CacheDependencies['record'] {
    return {
      listEntries: async (instance, { kind, prefix = '', after = '', limit }) => {
        const all = [...this.entries.values()].filter((entry) => entry.instance === instance && (kind === undefined || entry.kind === kind) && entry.key.startsWith(prefix) && entry.key > after);
        const entries = all.slice(0, limit).map(({ target, value, origin, instance: _, ...entry }) => ({ instance, kind: entry.kind, key: entry.key, qualifiers: entry.qualifiers, pushedAt: at, pushedBy: entry.pushedBy, usedAt: at, target: target?.digest, valueBytes: value?.length ?? 0, complete: true, session: origin.session, build: origin.build }));
        return { entries, next: all.length > limit ? entries.at(-1)?.key : undefined };
      },
      history: async (name) => {
        const entry = this.entries.get(entryKey(name));
        return entry === undefined ? [] : [{ type: 'CacheEntryPushed', at, data: { by: entry.pushedBy, origin: entry.origin } }];
      },
      usage: async (instance) => ({ bytes: [...this.blobs].filter(([key]) => key.startsWith(`${instance} `)).reduce((sum, [, bytes]) => sum + bytes.length, 0), blobs: this.blobs.size, entries: this.entries.size, kept: 0, exported: 0 }),
    };
  }

  #workflows(): CacheDependencies['workflows'] {
    const done = <Value>(method: string, options: unknown, value: Value): Promise<Value> => {
      this.calls.push({ method, options });
      return this.engine === 'away' ? away() : Promise.resolve(value);
    };
    return {
      status: (instance) => done('status', instance, { instance, phase: 'waiting', paused: false, usage: undefined, alarm: false, lastEviction: undefined, lastVerification: undefined, problem: undefined }),
      evict: (instance, request) => done('evict', { instance, ...request }, { entries: 1, blobs: 2, bytes: 3, dryRun: request.dryRun, by: request.by, at }),
      verify: (instance, by) => done('verify', { instance, by }, { checked: 2, lost: this.lostBlobs }),
      pause: (instance, by) => done('pause', { instance, by }, undefined),
      resume: (instance, by) => done('resume', { instance, by }, undefined),
    };
  }

  #instance(name: string): CacheInstance {
    const found = this.instances.find((each) => each.name === (name === '' ? 'main' : name));
    if (found === undefined) throw new MillraceError('invalid-request', `there is no cache instance ${JSON.stringify(name)}`);
    return found;
  }
}

function blobKey(instance: string, digest: CacheDigest): string {
  return `${instance} ${digestText(digest)}`;
}

function entryKey({ instance, kind, key, qualifiers }: EntryName): string {
  return `${instance} ${kind} ${key} ${JSON.stringify(qualifiers)}`;
}
