import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/needs.js';
import { SessionEnvironmentService } from './session-environment-service.js';

/** Apart from the other session routes: the token is the credential here, so that a build machine needs no control credentials. */
@Controller('v1/sessions')
@Public()
export class SessionEnvironmentController {
  constructor(@Inject(SessionEnvironmentService) private readonly environment: SessionEnvironmentService) {}

  @Get(':id/env')
  async env(@Param('id') id: string, @Query() query: unknown, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const snippet = await this.environment.snippet(id, { query, token: request.headers['millrace-session-token'], requestHost: request.hostname });
    void reply.type(snippet.mediaType);
    return snippet.text;
  }
}
