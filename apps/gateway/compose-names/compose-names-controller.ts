import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';
import { BasicAuthGuard, controlUser } from '../http/basic-auth.js';
import type { ComposeNameHistory, ComposeNamePage, ComposeNameView } from './compose-name-schemas.js';
import { ComposeNamesService } from './compose-names-service.js';

@Controller('v1/compose-names')
@UseGuards(BasicAuthGuard)
export class ComposeNamesController {
  constructor(
    @Inject(ComposeNamesService) private readonly names: ComposeNamesService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  list(@Query() query: unknown): Promise<ComposeNamePage> {
    return this.names.list(query);
  }

  @Get(':name')
  get(@Param('name') name: string): Promise<ComposeNameView> {
    return this.names.get(name);
  }

  @Get(':name/history')
  history(@Param('name') name: string, @Query() query: unknown): Promise<ComposeNameHistory> {
    return this.names.history(name, query);
  }

  @Put(':name')
  promote(@Param('name') name: string, @Body() body: unknown): Promise<ComposeNameView> {
    return this.names.promote(name, body, controlUser(this.settings));
  }

  @Post(':name/rollback')
  @HttpCode(200)
  rollBack(@Param('name') name: string, @Body() body: unknown): Promise<ComposeNameView> {
    return this.names.rollBack(name, body, controlUser(this.settings));
  }

  @Delete(':name')
  @HttpCode(204)
  remove(@Param('name') name: string): Promise<void> {
    return this.names.remove(name, controlUser(this.settings));
  }
}
