import { Body, Controller, Get, HttpCode, Inject, Param, Post, UseGuards } from '@nestjs/common';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';
import { BasicAuthGuard, controlUser } from '../http/basic-auth.js';
import type { DryRunView, RuleDetailView, RuleView } from './rule-schemas.js';
import { RulesService } from './rules-service.js';

@Controller('v1/rules')
@UseGuards(BasicAuthGuard)
export class RulesController {
  constructor(
    @Inject(RulesService) private readonly rules: RulesService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  list(): Promise<{ items: RuleView[] }> {
    return this.rules.list();
  }

  @Post('dry-run')
  @HttpCode(200)
  dryRun(@Body() body: unknown): Promise<DryRunView> {
    return this.rules.dryRun(body);
  }

  @Get(':name')
  get(@Param('name') name: string): Promise<RuleDetailView> {
    return this.rules.get(name);
  }

  @Post(':name/pause')
  @HttpCode(200)
  pause(@Param('name') name: string): Promise<RuleDetailView> {
    return this.rules.pause(name, controlUser(this.settings));
  }

  @Post(':name/resume')
  @HttpCode(200)
  resume(@Param('name') name: string): Promise<RuleDetailView> {
    return this.rules.resume(name, controlUser(this.settings));
  }

  @Post(':name/replay')
  @HttpCode(200)
  replay(@Param('name') name: string, @Body() body: unknown): Promise<RuleDetailView> {
    return this.rules.replay(name, body, controlUser(this.settings));
  }
}
