import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, UseGuards } from '@nestjs/common';
import { BasicAuthGuard } from '../http/basic-auth.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import { SessionControlService } from './session-control-service.js';
import type { RevokedToken, ServiceStatus } from './session-control-schemas.js';

@Controller()
export class SessionControlController {
  constructor(@Inject(SessionControlService) private readonly service: SessionControlService) {}

  @Get('status')
  status(): Promise<ServiceStatus> {
    return this.service.status();
  }

  @Post('session')
  @HttpCode(200)
  @UseGuards(BasicAuthGuard)
  open(@Body() body: unknown): Promise<{ readonly id: string; readonly token: string }> {
    return this.service.open(parseJsonBody(body));
  }

  @Delete('session/:id/token')
  revoke(@Param('id') id: string, @Body() body: unknown): Promise<RevokedToken> {
    return this.service.revoke(id, parseJsonBody(body));
  }

  @Get('session/:id')
  @UseGuards(BasicAuthGuard)
  report(@Param('id') id: string): Promise<object> {
    return this.service.report(id);
  }

  @Delete('session/:id')
  @UseGuards(BasicAuthGuard)
  end(@Param('id') id: string): Promise<void> {
    return this.service.end(id);
  }

  @Delete('resources/:id')
  @UseGuards(BasicAuthGuard)
  removeResources(@Param('id') id: string): Promise<void> {
    return this.service.removeResources(id);
  }
}
