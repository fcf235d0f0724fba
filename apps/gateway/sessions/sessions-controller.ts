import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BasicAuthGuard } from '../http/basic-auth.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import type { CreatedSession, DownloadPage, PolicyCheck, RevokedSession, Session, SessionPage } from './session-schemas.js';
import { SessionsService } from './sessions-service.js';

@Controller('v1/sessions')
@UseGuards(BasicAuthGuard)
export class SessionsController {
  constructor(@Inject(SessionsService) private readonly sessions: SessionsService) {}

  @Get()
  list(@Query() query: unknown): Promise<SessionPage> {
    return this.sessions.list(query);
  }

  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<CreatedSession> {
    const created = await this.sessions.create(parseJsonBody(body), request.hostname);
    void reply.header('location', created.links.self);
    return created;
  }

  @Get(':id')
  get(@Param('id') id: string): Promise<Session> {
    return this.sessions.get(id);
  }

  @Get(':id/downloads')
  downloads(@Param('id') id: string, @Query() query: unknown): Promise<DownloadPage> {
    return this.sessions.downloads(id, query);
  }

  @Get(':id/report')
  report(@Param('id') id: string): Promise<object> {
    return this.sessions.report(id);
  }

  @Post(':id/policy-check')
  @HttpCode(200)
  checkPolicy(@Param('id') id: string, @Body() body: unknown): Promise<PolicyCheck> {
    return this.sessions.checkPolicy(id, parseJsonBody(body));
  }

  @Post(':id/revoke')
  @HttpCode(200)
  revoke(@Param('id') id: string): Promise<RevokedSession> {
    return this.sessions.revoke(id);
  }

  @Delete(':id')
  @HttpCode(204)
  end(@Param('id') id: string): Promise<void> {
    return this.sessions.end(id);
  }
}
