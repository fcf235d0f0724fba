import { Body, Controller, Delete, Get, HttpCode, Inject, Options, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { composeJson } from '../../../libs/compose/compose-json.js';
import type { Compose } from '../../../libs/compose/compose.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller } from '../access/caller.js';
import { Needs, Public } from '../access/needs.js';
import type { Access } from '../access/open-access.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { ACCESS, COMPOSES, METRICS, SETTINGS } from '../gateway-tokens.js';
import { gatewayVersion } from '../gateway-version.js';
import { MayWait, otherDeadline, recordTimeout } from '../http/answer-deadline.js';
import { entityTag, matchesEntityTag, sendTagged } from '../http/entity-tag.js';
import { withDeadline } from '../http/with-deadline.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { allowedMethods } from '../openapi/allowed-methods.js';
import { awaitChange, hasEnded } from './await-change.js';
import { clientGone } from '../http/client-gone.js';
import { externalAddress } from './external-address.js';
import { odcsMetrics } from './odcs-metrics.js';
import { OdcsService } from './odcs-service.js';
import { paginationMeta } from './pagination-meta.js';
import { readConfigDump } from './read-config-dump.js';
import { readComposeId, readWait } from './read-parameters.js';
import { readComposeQuery } from './read-compose-query.js';
import type { QueryParameters } from './read-compose-query.js';
import { streamStates, wantsEvents } from './state-stream.js';
import { HEARTBEAT, WAITING_ROOM } from './waiting-room.js';
import type { WaitingRoom } from './waiting-room.js';

const readable = { whilePublic: 'composes', unknownCallers: true } as const;

/** ODCS's REST API, version 1. Every answer is what its clients know; what goes beyond is asked for with headers and parameters that they do not send. */
@Controller('api/1')
export class OdcsController {
  constructor(
    @Inject(OdcsService) private readonly service: OdcsService,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
    @Inject(ACCESS) private readonly access: Access,
    @Inject(WAITING_ROOM) private readonly room: WaitingRoom,
    @Inject(HEARTBEAT) private readonly heartbeatMilliseconds: number,
    @Inject(METRICS) private readonly metrics: GatewayMetrics,
  ) {}

  @Get('composes')
  @Needs('composes', 'reader', readable)
  async list(@Query() parameters: QueryParameters, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = readComposeQuery(parameters);
    const { composes, total } = await this.service.list(query);
    const meta = paginationMeta({ ...query, total, address: `${externalAddress(request)}/api/1/composes/`, parameters });
    sendTagged(request, reply, { items: composes.map((compose) => composeJson(compose, this.settings)), meta });
  }

  @Post('composes')
  @HttpCode(200)
  @Needs('composes', 'writer', { scope: 'new-compose', unknownCallers: true })
  async create(@Caller() caller: Principal, @Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { compose, repeated } = await this.service.request(body, { caller, key: idempotencyKey(request) });
    if (repeated) void reply.header('idempotency-replayed', 'true');
    return composeJson(compose, this.settings);
  }

  @Get('composes/:id')
  @Needs('composes', 'reader', readable)
  @MayWait()
  async one(@Param('id') id: string, @Query() parameters: QueryParameters, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const wait = readWait(parameters['wait']);
    const compose = await withDeadline(this.service.get(readComposeId(id)), otherDeadline, recordTimeout);
    if (wantsEvents(request)) await this.stream(compose, request, reply);
    else sendTagged(request, reply, await this.withConfigDump(wait === 0 ? compose : await this.await(compose, request, wait)));
  }

  @Patch('composes/:id')
  @Needs('composes', 'writer', { scope: 'renew-compose', unknownCallers: true })
  async renew(@Caller() caller: Principal, @Param('id') id: string, @Body() body: unknown, @Req() request: FastifyRequest): Promise<object> {
    return composeJson(await this.service.renew(readComposeId(id), body, { caller, key: idempotencyKey(request) }), this.settings);
  }

  @Delete('composes/:id')
  @HttpCode(202)
  @Needs('composes', 'login', { scope: 'delete-compose', unknownCallers: true })
  async delete(@Caller() caller: Principal, @Param('id') id: string): Promise<{ readonly status: 202; readonly message: string }> {
    return { status: 202, message: await this.service.delete(readComposeId(id), caller) };
  }

  /** Who may do what is nobody's business; the keys are there because clients print them. */
  @Get('about')
  @Public()
  about(): object {
    const { composeSigkeys } = this.settings;
    return { version: gatewayVersion, auth_backend: this.access.authenticator.backend, allowed_clients: {}, raw_config_urls: {}, sigkeys: composeSigkeys };
  }

  @Get('metrics')
  @Needs('service', 'reader', { whilePublic: 'metrics' })
  async scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const metrics = await odcsMetrics(() => this.metrics.composeTotals());
    void reply.type(metrics.contentType);
    return metrics.text;
  }

  /** Other sites' pages may read, and that is all. */
  @Public()
  @Options(['composes', 'composes/:id', 'about', 'metrics'])
  @HttpCode(204)
  preflight(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    const methods = allowedMethods(request.url);
    if (methods.length === 0) throw new MillraceError('compose-not-found', 'Not Found');
    void reply.headers({ allow: methods.join(', '), 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': 'If-None-Match, Last-Event-ID', 'access-control-max-age': '3600' });
  }

  private full(compose: Compose): object {
    return composeJson(compose, { ...this.settings, full: true });
  }

  private async withConfigDump(compose: Compose): Promise<object> {
    return composeJson(compose, { ...this.settings, full: true, pungiConfigDump: await readConfigDump(this.composes.content, compose) });
  }

  /** With `If-None-Match`, whatever the client does not have yet is news; else another state. When too many wait, nobody more does. */
  private async await(compose: Compose, request: FastifyRequest, wait: number): Promise<Compose> {
    const known = request.headers['if-none-match'];
    const isNews = (now: Compose): boolean => hasEnded(now) || now.state !== compose.state || (known !== undefined && !matchesEntityTag(known, entityTag(JSON.stringify(this.full(now)))));
    if (isNews(compose)) return compose;
    const leave = this.room.enter();
    if (leave === undefined) return compose;
    try {
      const milliseconds = wait * 1000;
      return await awaitChange(this.composes.reads, compose, { milliseconds, signal: clientGone(request, milliseconds + otherDeadline), isNews });
    } finally {
      leave();
    }
  }

  private async stream(compose: Compose, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const leave = this.room.enter();
    try {
      await streamStates(compose, { request, reply, reads: this.composes.reads, json: (each) => this.full(each), mayWait: leave !== undefined, heartbeatMilliseconds: this.heartbeatMilliseconds });
    } finally {
      leave?.();
    }
  }
}

function idempotencyKey({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  return Array.isArray(key) ? key[0] : key;
}
