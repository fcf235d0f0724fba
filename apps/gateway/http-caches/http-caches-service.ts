import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { CacheCaller } from '../../../libs/cache-access/cache-access.js';
import { isEmptyBlob } from '../../../libs/cache/cache-digest.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import type { CacheEntry, EntryKind } from '../../../libs/cache/cache-entry.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import type { CacheDependencies } from '../caches/cache-ports.js';
import { documentPolicy } from '../compose-files/file-headers.js';
import { CACHES, METRICS } from '../gateway-tokens.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { admitCaller } from './admit-caller.js';
import type { CacheAddress } from './cache-address.js';
import { entryKeyOf, hashOf, kindOf, sha256Of, turborepoKey } from './cache-keys.js';
import { entryHeaders, mediaTypeOf } from './entry-properties.js';
import { oneChunk, sendCached } from './send-cached.js';
import { sendFound, sendMiss } from './send-miss.js';

/** What a request is about, after its caller was let through. */
export interface Admitted {
  readonly instance: CacheInstance;
  readonly caller: CacheCaller;
  /** Absent for blobs. */
  readonly entry?: { readonly kind: EntryKind; readonly key: string };
  readonly address: CacheAddress;
}

/** What clients of HTTP caches find, and what they take out. What they put in: `http-caches-intake.ts`. */
@Injectable()
export class HttpCachesService {
  constructor(
    @Inject(CACHES) private readonly caches: CacheDependencies,
    @Inject(METRICS) private readonly metrics: GatewayMetrics,
  ) {}

  /** Errors: `invalid-request` for no key and no instance; those of `admitCaller`. */
  async admit(request: FastifyRequest, reply: FastifyReply, { action, address }: { readonly action: 'pull' | 'push'; readonly address: CacheAddress }): Promise<Admitted> {
    const instance = this.caches.cache.instance(address.instance);
    const entry = await this.entryOf(request, instance, address);
    const caller = await admitCaller(request, reply, { access: this.caches.access, action, instance: instance.name, ...(entry === undefined ? {} : { key: entry }) });
    return { instance, caller, address, ...(entry === undefined ? {} : { entry }) };
  }

  async read(request: FastifyRequest, reply: FastifyReply, admitted: Admitted): Promise<void> {
    const { instance, entry, address, caller } = admitted;
    const kind = entry?.kind ?? 'blob';
    const found = entry === undefined ? await this.blob(request, instance, hashOf(address)) : await this.entry(instance, entry);
    const sent = found !== undefined && (await sendFound(reply, () => this.send(request, reply, { ...admitted, found })));
    this.metrics.caches.requests.inc({ instance: instance.name, kind, result: sent ? 'hit' : 'miss' });
    if (!sent) sendMiss(reply);
    else if (entry !== undefined && request.method === 'GET') this.caches.access.took(caller, { instance: instance.name, ...entry, qualifiers: {} }, 'pulled');
  }

  async remove(reply: FastifyReply, { instance, caller, entry }: Admitted & Required<Pick<Admitted, 'entry'>>): Promise<void> {
    const removed = await this.caches.cache.removeEntry({ instance: instance.name, ...entry, qualifiers: {} }, { by: caller.name });
    if (!removed) return sendMiss(reply);
    this.metrics.caches.requests.inc({ instance: instance.name, kind: entry.kind, result: 'removed' });
    void reply.code(204).send();
  }

  /** Undefined: there is none that is whole. */
  entry(instance: CacheInstance, entry: { readonly kind: EntryKind; readonly key: string }): Promise<CacheEntry | undefined> {
    return this.caches.cache.findEntry({ instance: instance.name, ...entry, qualifiers: {} });
  }

  private async entryOf(request: FastifyRequest, instance: CacheInstance, address: CacheAddress): Promise<Admitted['entry']> {
    const kind = kindOf(address);
    if (kind === undefined) return undefined;
    if (kind === 'turborepo') return { kind, key: turborepoKey(address.key, request.query) };
    return { kind, key: kind === 'action' ? await this.actionKey(instance, hashOf(address)) : entryKeyOf(address) };
  }

  /** Clients of HTTP say no size of an action: it is that of the entry that there is, or of the action itself, which they push, too. */
  private async actionKey(instance: CacheInstance, hash: string): Promise<string> {
    const { byHash } = this.caches;
    const known = await byHash.findAction(instance.name, hash);
    return known ?? `sha256:${hash}/${(await byHash.findBlob(instance.name, { function: 'sha256', hash }))?.size ?? 0}`;
  }

  /** Whoever only asks whether a blob is there is promised that it stays, as by FindMissingBlobs. */
  private async blob(request: FastifyRequest, instance: CacheInstance, hash: string): Promise<CacheDigest | undefined> {
    const empty: CacheDigest = { function: 'sha256', hash, size: 0 };
    if (isEmptyBlob(empty)) return empty;
    const digest = await this.caches.byHash.findBlob(instance.name, { function: 'sha256', hash });
    if (digest === undefined || request.method !== 'HEAD') return digest;
    const missing = await this.caches.cache.findMissing(instance.name, [digest]);
    return missing.length === 0 ? digest : undefined;
  }

  private async send(request: FastifyRequest, reply: FastifyReply, { instance, caller, entry, found }: Admitted & { readonly found: CacheEntry | CacheDigest }): Promise<void> {
    const { access, cache } = this.caches;
    const sent = (bytes: number): void => this.metrics.caches.bytes.inc({ instance: instance.name, direction: 'out' }, bytes);
    const judge = (): Promise<void> => access.recheck(caller, readCredentials(request.raw));
    const shared = caller.name === 'anonymous' && request.headers.authorization === undefined;
    void reply.header('content-security-policy', documentPolicy);
    if (!('kind' in found)) return sendCached(request, reply, { tag: found.hash, size: found.size, type: 'application/octet-stream', fixed: true, shared, sent, judge, open: (options) => cache.readBlob(instance.name, found, options) });
    void reply.headers({ ...entryHeaders(found), 'last-modified': new Date(found.pushedAt).toUTCString() });
    const type = mediaTypeOf(entry?.kind, found);
    const { value, target } = found;
    if (value !== undefined) return sendCached(request, reply, { tag: sha256Of(value), size: value.length, type, fixed: false, shared, sent, judge, open: (options) => oneChunk(value, options) });
    if (target === undefined) return sendMiss(reply);
    const { digest } = target;
    await sendCached(request, reply, { tag: digest.hash, size: digest.size, type, fixed: false, shared, sent, judge, open: (options) => cache.readBlob(instance.name, digest, options) });
  }
}
