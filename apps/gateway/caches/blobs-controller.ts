import { Controller, Get, Inject, Param, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { digestText } from '../../../libs/cache/cache-digest.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { documentPolicy } from '../compose-files/file-headers.js';
import { CACHES, METRICS } from '../gateway-tokens.js';
import { MayWait } from '../http/answer-deadline.js';
import { HttpCachesIntake } from '../http-caches/http-caches-intake.js';
import { sendCached } from '../http-caches/send-cached.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { Manager, ManagesCache } from './cache-guard.js';
import type { CacheManager } from './cache-guard.js';
import type { CacheDependencies } from './cache-ports.js';
import { parseDigest } from './cache-schemas.js';

/** Blobs for `millrace cache get` and `put`, of both digest functions. */
@Controller('v1/caches/:instance/blobs/:digest')
@ManagesCache('reader')
export class BlobsController {
  constructor(
    @Inject(CACHES) private readonly caches: CacheDependencies,
    @Inject(HttpCachesIntake) private readonly intake: HttpCachesIntake,
    @Inject(METRICS) private readonly metrics: GatewayMetrics,
  ) {}

  @Get()
  @MayWait()
  async get(@Param('instance') name: string, @Param('digest') text: string, @Manager() { judge }: CacheManager, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { instance, digest } = await this.find(name, text);
    void reply.header('content-security-policy', documentPolicy);
    const sent = (bytes: number): void => this.metrics.caches.bytes.inc({ instance: instance.name, direction: 'out' }, bytes);
    await sendCached(request, reply, { tag: digest.hash, size: digest.size, type: 'application/octet-stream', fixed: true, shared: false, sent, judge, open: (options) => this.caches.cache.readBlob(instance.name, digest, options) });
  }

  @Put()
  @ManagesCache('writer')
  @MayWait()
  async put(@Param('instance') name: string, @Param('digest') text: string, @Manager() { name: by, judge }: CacheManager, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const digest = await this.intake.receiveBlob(request, reply, { instance: () => this.caches.cache.instance(name), by, judge, name: () => named(text) });
    void reply.code(201).type('application/json; charset=utf-8').send(JSON.stringify({ digest: digestText(digest) }));
  }

  private async find(name: string, text: string): Promise<{ readonly instance: CacheInstance; readonly digest: CacheDigest }> {
    const instance = this.caches.cache.instance(name);
    const { size, ...hashed } = named(text);
    const digest = size === undefined ? await this.caches.byHash.findBlob(instance.name, hashed) : { ...hashed, size };
    if (digest === undefined) throw new MillraceError('blob-not-found', `the cache ${instance.name} has no ${hashed.function}:${hashed.hash}`);
    return { instance, digest };
  }
}

function named(text: string): NonNullable<ReturnType<typeof parseDigest>> {
  const parsed = parseDigest(text);
  if (parsed === undefined) throw new MillraceError('invalid-request', 'a blob is named sha256:<64 hex digits> or blake3:<64 hex digits>, perhaps with /<size> (%2F in a path)');
  return parsed;
}
