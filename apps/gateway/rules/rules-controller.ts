import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import type { DryRunView, RuleDetailView, RuleView } from './rule-schemas.js';
import { RulesService } from './rules-service.js';

@Controller('v1/rules')
@Needs('composes', 'admin')
export class RulesController {
  constructor(@Inject(RulesService) private readonly rules: RulesService) {}

  @Get()
  @Needs('composes', 'reader')
  list(): Promise<{ items: RuleView[] }> {
    return this.rules.list();
  }

  @Post('dry-run')
  @HttpCode(200)
  dryRun(@Body() body: unknown): Promise<DryRunView> {
    return this.rules.dryRun(body);
  }

  @Get(':name')
  @Needs('composes', 'reader')
  get(@Param('name') name: string): Promise<RuleDetailView> {
    return this.rules.get(name);
  }

  @Post(':name/pause')
  @HttpCode(200)
  pause(@Param('name') name: string, @Caller() caller: Principal): Promise<RuleDetailView> {
    return this.rules.pause(name, changedBy(caller));
  }

  @Post(':name/resume')
  @HttpCode(200)
  resume(@Param('name') name: string, @Caller() caller: Principal): Promise<RuleDetailView> {
    return this.rules.resume(name, changedBy(caller));
  }

  @Post(':name/replay')
  @HttpCode(200)
  replay(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal): Promise<RuleDetailView> {
    return this.rules.replay(name, body, changedBy(caller));
  }
}
