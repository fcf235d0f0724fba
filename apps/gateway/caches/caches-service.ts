import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import { digestText } from '../../../libs/cache/cache-digest.js';
import type { CacheEntry, EntryName } from '../../../libs/cache/cache-entry.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { artifactCacheWorkflowId } from '../../../workflows/artifact-cache/artifact-cache-messages.js';
import { CACHES, LOGGER, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { withDeadline } from '../http/with-deadline.js';
import { workflowLink } from '../http/workflow-link.js';
import type { CacheDependencies } from './cache-ports.js';
import { entriesQuery, entryName, evictRequest, newEntry, parseDigest } from './cache-schemas.js';
import type { CacheDetail, CacheView, EntryHistory, EntryPage, EntryView, EvictionView, VerificationView } from './cache-schemas.js';

const statusMilliseconds = 1500;
const usageMilliseconds = 3000;
/** A round of eviction or verification goes on without whoever asked. */
const roundMilliseconds = 15 * 60_000;
const commandMilliseconds = 8000;

/** Instances of the artifact cache as operators see them. */
@Injectable()
export class CachesService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(CACHES) private readonly caches: CacheDependencies,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async list(sees: (instance: string) => boolean): Promise<{ readonly items: CacheView[] }> {
    return { items: await Promise.all(this.caches.cache.instances.filter(({ name }) => sees(name)).map((instance) => this.present(instance))) };
  }

  async get(name: string): Promise<CacheDetail> {
    const instance = this.find(name);
    const self = `/v1/caches/${encodeURIComponent(instance.name)}`;
    const [view, status] = await Promise.all([this.present(instance), this.status(instance.name)]);
    return { ...view, status, links: { self, entries: `${self}/entries`, workflow: workflowLink(this.settings, artifactCacheWorkflowId(instance.name)) } };
  }

  async entries(name: string, query: unknown): Promise<EntryPage> {
    const { limit, cursor, kind, prefix } = validate(entriesQuery, query);
    const instance = this.find(name).name;
    const found = await this.caches.record.listEntries(instance, { limit, ...(cursor === undefined ? {} : { after: cursor }), ...(kind === undefined ? {} : { kind }), ...(prefix === undefined ? {} : { prefix }) });
    const items = found.entries.map(({ instance: _, target, session, build, qualifiers, ...entry }) => ({ ...entry, qualifiers: { ...qualifiers }, target: target === undefined ? null : digestText(target), session: session ?? null, build: build ?? null }));
    return { items, nextCursor: found.next ?? null };
  }

  async entry(name: string, query: unknown): Promise<EntryView> {
    const named = this.named(name, query);
    const entry = await this.caches.cache.findEntry(named);
    if (entry === undefined) throw noEntry(named);
    return presentEntry(entry);
  }

  async put(name: string, query: unknown, { body, by }: { readonly body: unknown; readonly by: string }): Promise<EntryView> {
    const named = this.named(name, query);
    const { target, properties, build, session } = validate(newEntry, parseJsonBody(body));
    if (named.kind === 'action') throw new MillraceError('invalid-request', 'kind: entries of actions are pushed by clients of the Remote Execution API, with the blobs that they name');
    const { function: hashed, hash, size } = parseDigest(target) ?? {};
    if (hashed === undefined || hash === undefined || size === undefined) throw new MillraceError('invalid-request', 'target: must be sha256:<hash>/<size> or blake3:<hash>/<size>');
    const digest: CacheDigest = { function: hashed, hash, size };
    const [missing] = await this.caches.cache.findMissing(named.instance, [digest]);
    if (missing !== undefined) throw new MillraceError('blob-not-found', `the cache ${named.instance} does not have ${digestText(digest)}`, { suggestion: 'Push the blob first.' });
    const entry = await this.caches.cache.putEntry({ ...named, target: { digest, shape: named.kind === 'directory' ? 'directory' : 'plain' }, value: undefined, references: [], properties, expiresAt: undefined, origin: { ...(build === undefined ? {} : { build }), ...(session === undefined ? {} : { session }) } }, { by });
    this.log.info({ instance: named.instance, kind: named.kind, by }, 'an entry was pushed');
    return presentEntry(entry);
  }

  async remove(name: string, query: unknown, by: string): Promise<void> {
    const named = this.named(name, query);
    if (!(await this.caches.cache.removeEntry(named, { by }))) throw noEntry(named);
    this.log.info({ instance: named.instance, kind: named.kind, by }, 'an entry was removed');
  }

  async why(name: string, query: unknown): Promise<EntryHistory> {
    const named = this.named(name, query);
    const history = await this.caches.record.history(named);
    if (history.length === 0) throw noEntry(named);
    const { instance: _, ...shown } = named;
    const present = (await this.caches.cache.findEntry(named)) !== undefined;
    return { ...shown, qualifiers: { ...shown.qualifiers }, present, items: history.map(({ type, at, data }) => ({ type, at, data: data as Record<string, unknown> })) };
  }

  async evict(name: string, body: unknown, by: string): Promise<EvictionView> {
    const instance = this.find(name).name;
    const { toBytes, dryRun } = validate(evictRequest, bodyOr(body));
    this.log.info({ instance, by, dryRun, toBytes }, `an eviction from ${instance} is asked for`);
    return this.caches.workflows.evict(instance, { dryRun, by, ...(toBytes === undefined ? {} : { toBytes }) }, { deadline: roundMilliseconds });
  }

  verify(name: string, by: string): Promise<VerificationView> {
    const instance = this.find(name).name;
    this.log.info({ instance, by }, `${instance} is verified`);
    return this.caches.workflows.verify(instance, by, { deadline: roundMilliseconds });
  }

  async pause(name: string, by: string): Promise<void> {
    const instance = this.find(name).name;
    await this.caches.workflows.pause(instance, by, { deadline: commandMilliseconds });
    this.log.info({ instance, by }, `eviction from ${instance} is paused`);
  }

  async resume(name: string, by: string): Promise<void> {
    const instance = this.find(name).name;
    await this.caches.workflows.resume(instance, by, { deadline: commandMilliseconds });
    this.log.info({ instance, by }, `eviction from ${instance} goes on`);
  }

  /** Errors: `invalid-request` where there is no such instance. */
  find(name: string): CacheInstance {
    return this.caches.cache.instance(name);
  }

  private named(name: string, query: unknown): EntryName {
    const { kind, key, qualifiers = {} } = validate(entryName, query);
    return { instance: this.find(name).name, kind, key, qualifiers };
  }

  private async present({ name, quota, limit, lease, maximumAge, blobBytes }: CacheInstance): Promise<CacheView> {
    const usage = await withDeadline(this.caches.record.usage(name), usageMilliseconds, () => new Error('no answer in time')).catch(() => null);
    return { name, quota: { ...quota }, limit, lease, maximumAge: maximumAge ?? null, blobBytes, usage: usage === null ? null : { ...usage } };
  }

  private async status(instance: string): Promise<CacheDetail['status']> {
    try {
      const { phase, paused, alarm, problem, lastEviction, lastVerification } = await this.caches.workflows.status(instance, { deadline: statusMilliseconds });
      return { phase, paused, alarm, problem: problem ?? null, lastEviction: lastEviction ?? null, lastVerification: lastVerification ?? null };
    } catch {
      return null;
    }
  }
}

function presentEntry({ instance: _, target, value, references, qualifiers, properties, expiresAt, origin, ...entry }: CacheEntry): EntryView {
  return { ...entry, qualifiers: { ...qualifiers }, properties: { ...properties }, origin: { ...origin }, target: target === undefined ? null : digestText(target.digest), value: value?.toString('base64') ?? null, references: references.map(({ digest }) => digestText(digest)), expiresAt: expiresAt ?? null };
}

function noEntry({ instance, kind, key }: EntryName): MillraceError {
  return new MillraceError('entry-not-found', `the cache ${instance} has no ${kind} entry ${key}`, { suggestion: 'An entry is found while all that it needs is there; qualifiers are part of its name.' });
}

function bodyOr(body: unknown): unknown {
  return Buffer.isBuffer(body) && body.length > 0 ? parseJsonBody(body) : {};
}
