import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { CacheDependencies } from '../caches/cache-ports.js';
import { CACHES } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { admitCaller } from './admit-caller.js';
import type { CacheAddress } from './cache-address.js';
import { turborepoKey } from './cache-keys.js';

const hash = z.string().regex(/^[\w-]{1,256}$/, 'must have letters, digits, "_" and "-"');
const mostHashes = 1000;
const query = z.object({ hashes: z.array(hash).max(mostHashes) });
const events = z.array(z.looseObject({ event: z.string().max(64), source: z.string().max(64).optional(), hash: z.string().max(256).optional() })).max(10_000);

interface ArtifactInfo {
  readonly size: number;
  readonly taskDurationMs: number;
  readonly tag?: string;
}

/** What Turborepo asks besides artifacts themselves. */
@Injectable()
export class TurborepoService {
  constructor(@Inject(CACHES) private readonly caches: CacheDependencies) {}

  /** Whether there is a cache for this caller. */
  async status(request: FastifyRequest, reply: FastifyReply, address: CacheAddress): Promise<void> {
    await this.admit(request, reply, address);
    void reply.code(200).type('application/json; charset=utf-8').send(JSON.stringify({ status: 'enabled' }));
  }

  /** Which of many artifacts there are; null for the others. */
  async query(request: FastifyRequest, reply: FastifyReply, { address, body }: { readonly address: CacheAddress; readonly body: unknown }): Promise<void> {
    const instance = await this.admit(request, reply, address);
    const { hashes } = validate(query, body);
    const answer: Record<string, ArtifactInfo | null> = {};
    for (const each of hashes) answer[each] = await this.info(instance, turborepoKey(each, request.query));
    void reply.code(200).type('application/json; charset=utf-8').send(JSON.stringify(answer));
  }

  /** What its client tells of hits and misses; the requests themselves are counted. */
  async events(request: FastifyRequest, reply: FastifyReply, { address, body }: { readonly address: CacheAddress; readonly body: unknown }): Promise<void> {
    await this.admit(request, reply, address);
    validate(events, body);
    void reply.code(200).type('application/json; charset=utf-8').send('{}');
  }

  private async admit(request: FastifyRequest, reply: FastifyReply, address: CacheAddress): Promise<string> {
    const { name } = this.caches.cache.instance(address.instance);
    await admitCaller(request, reply, { access: this.caches.access, action: 'pull', instance: name });
    return name;
  }

  private async info(instance: string, key: string): Promise<ArtifactInfo | null> {
    const entry = await this.caches.cache.findEntry({ instance, kind: 'turborepo', key, qualifiers: {} });
    if (entry === undefined) return null;
    const { duration, tag } = entry.properties;
    return { size: entry.target?.digest.size ?? 0, taskDurationMs: Number(duration ?? 0), ...(tag === undefined ? {} : { tag }) };
  }
}
