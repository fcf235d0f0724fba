import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import type { CheckReport } from '../../../libs/repository-checks/finding.js';
import type { RepairResult } from '../../../libs/repository-checks/repair-repository.js';
import type { SynchroniseResult } from '../../../libs/repository-import/synchronise.js';
import { Caller } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { clientGone } from '../http/client-gone.js';
import type { PrunedView } from './change-schemas.js';
import { MaintenanceService } from './maintenance-service.js';
import type { Asked } from './maintenance-service.js';

/** Milliseconds: a repository of a hundred thousand packages is listed and read. */
const longest = 60 * 60_000;

@Controller('v1/repositories/:name')
@Needs('repositories', 'admin')
export class MaintenanceController {
  constructor(@Inject(MaintenanceService) private readonly maintenance: MaintenanceService) {}

  @Post('prune')
  @HttpCode(200)
  @MayWait()
  prune(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<PrunedView> {
    return this.maintenance.prune(name, body, asked(request, caller));
  }

  @Post('check')
  @Needs('repositories', 'writer')
  @HttpCode(200)
  @MayWait()
  check(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<CheckReport> {
    return this.maintenance.check(name, body, asked(request, caller));
  }

  @Post('repair')
  @HttpCode(200)
  @MayWait()
  repair(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<RepairResult> {
    return this.maintenance.repair(name, body, asked(request, caller));
  }

  @Post('sync')
  @HttpCode(200)
  @MayWait()
  synchronise(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<SynchroniseResult> {
    return this.maintenance.synchronise(name, body, asked(request, caller));
  }

  @Post('import')
  @HttpCode(200)
  @MayWait()
  takeOver(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<SynchroniseResult> {
    return this.maintenance.takeOver(name, body, asked(request, caller));
  }

  @Get('report')
  @Needs('repositories', 'reader')
  report(@Param('name') name: string): Promise<CheckReport> {
    return this.maintenance.report(name);
  }

  /** As HaikuPorter's frontend shows it. */
  @Get('report.txt')
  @Needs('repositories', 'reader')
  async reportText(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const text = await this.maintenance.reportText(name);
    void reply.type('text/plain; charset=utf-8');
    return text;
  }
}

function asked(request: FastifyRequest, caller: Principal): Asked {
  return { caller, signal: clientGone(request, longest) };
}
