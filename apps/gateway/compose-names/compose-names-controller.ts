import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import type { ComposeNameHistory, ComposeNamePage, ComposeNameView } from './compose-name-schemas.js';
import { ComposeNamesService } from './compose-names-service.js';

/** What a name points at is what many install from, so pointing it elsewhere is for admins of composes. */
@Controller('v1/compose-names')
@Needs('composes', 'reader')
export class ComposeNamesController {
  constructor(@Inject(ComposeNamesService) private readonly names: ComposeNamesService) {}

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
  @Needs('composes', 'admin')
  promote(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal): Promise<ComposeNameView> {
    return this.names.promote(name, body, changedBy(caller));
  }

  @Post(':name/rollback')
  @Needs('composes', 'admin')
  @HttpCode(200)
  rollBack(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal): Promise<ComposeNameView> {
    return this.names.rollBack(name, body, changedBy(caller));
  }

  @Delete(':name')
  @Needs('composes', 'admin')
  @HttpCode(204)
  remove(@Param('name') name: string, @Caller() caller: Principal): Promise<void> {
    return this.names.remove(name, changedBy(caller));
  }
}
