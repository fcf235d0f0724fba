import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller } from '../access/caller.js';
import { Needs, Public } from '../access/needs.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import { SessionControlService } from './session-control-service.js';
import type { RevokedToken, ServiceStatus } from './session-control-schemas.js';

@Controller()
export class SessionControlController {
  constructor(@Inject(SessionControlService) private readonly service: SessionControlService) {}

  @Get('status')
  @Needs('sessions', 'reader', { whilePublic: 'status' })
  status(): Promise<ServiceStatus> {
    return this.service.status();
  }

  @Post('session')
  @HttpCode(200)
  @Needs('sessions', 'writer')
  open(@Caller() caller: Principal, @Body() body: unknown): Promise<{ readonly id: string; readonly token: string }> {
    return this.service.open(parseJsonBody(body), caller);
  }

  @Delete('session/:id/token')
  @Public()
  revoke(@Param('id') id: string, @Body() body: unknown): Promise<RevokedToken> {
    return this.service.revoke(id, parseJsonBody(body));
  }

  @Get('session/:id')
  @Needs('sessions', 'login')
  report(@Caller() caller: Principal, @Param('id') id: string): Promise<object> {
    return this.service.report(id, caller);
  }

  @Delete('session/:id')
  @Needs('sessions', 'login')
  end(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    return this.service.end(id, caller);
  }

  @Delete('resources/:id')
  @Needs('sessions', 'login')
  removeResources(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    return this.service.removeResources(id, caller);
  }
}
