import path from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { Push } from '../../../libs/cache-engine/artifact-cache.js';
import { isEmptyBlob } from '../../../libs/cache/cache-digest.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import type { EntryDraft } from '../../../libs/cache/cache-entry.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { readActionResult } from '../../../libs/remote-apis/read-action-result.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { CacheDependencies } from '../caches/cache-ports.js';
import { CACHES, CLIENT_MILLISECONDS, METRICS, SETTINGS } from '../gateway-tokens.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { saidOrigin } from './admit-caller.js';
import { BodyIntake } from './body-intake.js';
import type { IncomingBody } from './body-intake.js';
import { hashOf } from './cache-keys.js';
import { propertiesOf } from './entry-properties.js';
import type { Admitted } from './http-caches-service.js';
import { collected } from './send-cached.js';
import { spoolContent } from './spooled-content.js';
import type { SpooledContent } from './spooled-content.js';

/** Bytes of each push in memory; what is larger lies in a file until it is known what it is. */
const spoolMemory = 256 * 1024;
/** Bytes of a value that lies in the record itself; what is larger is a blob. */
const valueBytes = 1024 * 1024;

type NamedBlob = Omit<CacheDigest, 'size'> & { readonly size?: number | undefined };

/** Puts in the cache what clients push by HTTP. */
@Injectable()
export class HttpCachesIntake {
  private readonly bodies: BodyIntake;
  private readonly folder: string;

  constructor(
    @Inject(CACHES) private readonly caches: CacheDependencies,
    @Inject(METRICS) private readonly metrics: GatewayMetrics,
    @Inject(SETTINGS) settings: Settings,
    @Inject(CLIENT_MILLISECONDS) clientMilliseconds: number,
  ) {
    this.bodies = new BodyIntake(clientMilliseconds);
    this.folder = path.join(settings.home, 'http-cache-spool');
  }

  /** Answers also the hash of the content. Errors: those of `admit`, `invalid-request`, `payload-too-large`, `digest-mismatch`, `cache-full`, `quota-exceeded`, those of the store. */
  receive(request: FastifyRequest, reply: FastifyReply, admit: () => Promise<Admitted>): Promise<Admitted & { readonly hash: string }> {
    return this.bodies.take(request, reply, {
      admit,
      count: ({ caller, instance }, bytes, waiting) => this.caches.access.count(caller, instance.name, bytes, waiting),
      judge: ({ caller }) => this.caches.access.recheck(caller, readCredentials(request.raw)),
      came: ({ instance }, bytes) => this.countBytes(instance, bytes),
      work: async (admitted, body) => {
        const hash = await this.store(request, admitted, body);
        this.metrics.caches.requests.inc({ instance: admitted.instance.name, kind: admitted.entry?.kind ?? 'blob', result: 'stored' });
        return { ...admitted, hash };
      },
    });
  }

  /** A blob of either digest function, from a caller who was let through. Errors: as of `receive`. */
  receiveBlob(request: FastifyRequest, reply: FastifyReply, { instance, by, name, judge }: { readonly instance: () => CacheInstance; readonly by: string; readonly name: () => NamedBlob; readonly judge: () => Promise<void> }): Promise<CacheDigest> {
    return this.bodies.take(request, reply, {
      admit: async () => ({ instance: instance(), named: name() }),
      count: () => Promise.resolve(),
      judge,
      came: (admitted, bytes) => this.countBytes(admitted.instance, bytes),
      work: async (admitted, body) => this.storeBlob(admitted.instance, admitted.named, { body, push: { by, signal: body.signal } }),
    });
  }

  private async store(request: FastifyRequest, { instance, caller, entry, address }: Admitted, body: IncomingBody): Promise<string> {
    const push = { by: caller.name, signal: body.signal };
    if (entry === undefined) return (await this.storeBlob(instance, { function: 'sha256', hash: hashOf(address) }, { body, push })).hash;
    return this.spooled(body, instance, async (spooled) => {
      const origin = this.caches.access.origin(caller, saidOrigin(request));
      const named = { instance: instance.name, ...entry, qualifiers: {} };
      await this.putEntry({ ...named, properties: propertiesOf(entry.kind, request), expiresAt: undefined, origin }, spooled, push);
      this.caches.access.took(caller, named, 'pushed');
      return spooled.digest.hash;
    });
  }

  /** With a size that the client declares it streams; else its size has to be learnt first. */
  private async storeBlob(instance: CacheInstance, { function: hashed, hash, size }: NamedBlob, { body, push }: { readonly body: IncomingBody; readonly push: Push }): Promise<CacheDigest> {
    if (size !== undefined && body.size !== undefined && size !== body.size) throw new MillraceError('digest-mismatch', `the body has ${body.size} bytes, and its name says ${size}`);
    const known = size ?? body.size;
    if (known !== undefined) return this.writeBlob(instance.name, { function: hashed, hash, size: known }, { content: body.content, push });
    return this.spooled(body, instance, ({ digest, read }) => this.writeBlob(instance.name, { function: hashed, hash, size: digest.size }, { content: read(), push }));
  }

  private async writeBlob(instance: string, digest: CacheDigest, { content, push }: { readonly content: AsyncIterable<Buffer>; readonly push: Push }): Promise<CacheDigest> {
    if (!isEmptyBlob(digest)) await this.caches.cache.writeBlob(instance, digest, content, push);
    return digest;
  }

  private async putEntry(named: Omit<EntryDraft, 'target' | 'value' | 'references'>, { digest, read }: SpooledContent, push: Push): Promise<void> {
    const inRecord = named.kind === 'action' && digest.size <= valueBytes;
    if (!inRecord) await this.writeBlob(named.instance, digest, { content: read(), push });
    const value = inRecord ? await collected(read()) : undefined;
    await this.caches.cache.putEntry({ ...named, target: inRecord ? undefined : { digest, shape: 'plain' }, value, references: value === undefined ? [] : (readActionResult(value) ?? []) }, push);
  }

  private async spooled<Result>({ content, signal }: IncomingBody, instance: CacheInstance, work: (spooled: SpooledContent) => Promise<Result>): Promise<Result> {
    const spooled = await spoolContent(content, { folder: this.folder, memory: spoolMemory, most: instance.blobBytes });
    try {
      signal.throwIfAborted();
      return await work(spooled);
    } finally {
      await spooled.close();
    }
  }

  private countBytes(instance: CacheInstance, bytes: number): void {
    this.metrics.caches.bytes.inc({ instance: instance.name, direction: 'in' }, bytes);
  }
}
