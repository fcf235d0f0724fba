import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Needs } from '../access/needs.js';
import { matchesEntityTag } from '../http/entity-tag.js';
import type { ComposeDetailView, ComposeEventPage, ComposePage } from './compose-schemas.js';
import { ComposesService } from './composes-service.js';

@Controller('v1/composes')
@Needs('composes', 'reader')
export class ComposesController {
  constructor(@Inject(ComposesService) private readonly composes: ComposesService) {}

  @Get()
  list(@Query() query: unknown): Promise<ComposePage> {
    return this.composes.list(query);
  }

  @Get(':id')
  get(@Param('id') id: string): Promise<ComposeDetailView> {
    return this.composes.get(id);
  }

  @Get(':id/events')
  events(@Param('id') id: string, @Query() query: unknown): Promise<ComposeEventPage> {
    return this.composes.events(id, query);
  }

  @Get(':id/packages')
  async packages(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const plan = await this.composes.packages(id);
    const tag = `"${plan.digest}"`;
    void reply.headers({ etag: tag, 'cache-control': 'private, no-cache' });
    if (matchesEntityTag(request.headers['if-none-match'], tag)) void reply.code(304).send();
    else void reply.type('application/json; charset=utf-8').header('content-length', plan.size).send(plan.open());
  }
}
