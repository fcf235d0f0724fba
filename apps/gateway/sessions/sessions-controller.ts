import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import type { CacheEntryPage, CreatedSession, DownloadPage, PolicyCheck, RevokedSession, Session, SessionPage } from './session-schemas.js';
import { SessionsService } from './sessions-service.js';

@Controller('v1/sessions')
@Needs('sessions', 'login')
export class SessionsController {
  constructor(@Inject(SessionsService) private readonly sessions: SessionsService) {}

  @Get()
  list(@Caller() caller: Principal, @Query() query: unknown): Promise<SessionPage> {
    return this.sessions.list(query, caller);
  }

  @Post()
  @Needs('sessions', 'writer')
  async create(@Caller() caller: Principal, @Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CreatedSession> {
    const created = await this.sessions.create(parseJsonBody(body), { caller, requestHost: request.hostname });
    void reply.header('location', created.links.self);
    return created;
  }

  @Get(':id')
  get(@Caller() caller: Principal, @Param('id') id: string): Promise<Session> {
    return this.sessions.get(id, caller);
  }

  @Get(':id/downloads')
  downloads(@Caller() caller: Principal, @Param('id') id: string, @Query() query: unknown): Promise<DownloadPage> {
    return this.sessions.downloads(id, query, caller);
  }

  @Get(':id/cache-entries')
  cacheEntries(@Caller() caller: Principal, @Param('id') id: string, @Query() query: unknown): Promise<CacheEntryPage> {
    return this.sessions.cacheEntries(id, query, caller);
  }

  @Get(':id/report')
  report(@Caller() caller: Principal, @Param('id') id: string): Promise<object> {
    return this.sessions.report(id, caller);
  }

  @Post(':id/policy-check')
  @HttpCode(200)
  checkPolicy(@Caller() caller: Principal, @Param('id') id: string, @Body() body: unknown): Promise<PolicyCheck> {
    return this.sessions.checkPolicy(id, parseJsonBody(body), caller);
  }

  @Post(':id/revoke')
  @HttpCode(200)
  revoke(@Caller() caller: Principal, @Param('id') id: string): Promise<RevokedSession> {
    return this.sessions.revoke(id, caller);
  }

  @Delete(':id')
  @HttpCode(204)
  end(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    return this.sessions.end(id, caller);
  }
}
