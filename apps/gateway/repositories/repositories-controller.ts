import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { optionsOf } from './changes-controller.js';
import { ChangesService } from './changes-service.js';
import { RepositoriesService } from './repositories-service.js';
import type { KeyList, KnownPackageView, PackagePage, RepositoryDetail, RepositoryPage, RepositoryView, StateDiff, StatePage, StateView } from './repository-schemas.js';

@Controller('v1/repositories')
@Needs('repositories', 'reader')
export class RepositoriesController {
  constructor(
    @Inject(RepositoriesService) private readonly repositories: RepositoriesService,
    @Inject(ChangesService) private readonly changes: ChangesService,
  ) {}

  @Get()
  list(@Query() query: unknown): Promise<RepositoryPage> {
    return this.repositories.list(query);
  }

  @Post()
  @Needs('repositories', 'admin')
  create(@Body() body: unknown, @Caller() caller: Principal): Promise<RepositoryView> {
    return this.repositories.create(body, changedBy(caller));
  }

  @Get(':name')
  get(@Param('name') name: string): Promise<RepositoryDetail> {
    return this.repositories.get(name);
  }

  @Patch(':name')
  @Needs('repositories', 'admin')
  @MayWait()
  async configure(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<RepositoryView> {
    const options = optionsOf(request, caller);
    await this.changes.configured(await this.repositories.configure(name, body, changedBy(caller)), options);
    return this.repositories.present(await this.repositories.find(name));
  }

  @Delete(':name')
  @Needs('repositories', 'admin')
  @HttpCode(204)
  remove(@Param('name') name: string, @Query() query: unknown, @Caller() caller: Principal): Promise<void> {
    return this.repositories.remove(name, query, changedBy(caller));
  }

  @Get(':name/packages')
  packages(@Param('name') name: string, @Query() query: unknown): Promise<PackagePage> {
    return this.repositories.packages(name, query);
  }

  @Get(':name/packages/:key')
  package(@Param('name') name: string, @Param('key') key: string, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<KnownPackageView> {
    return this.repositories.package(name, key, { caller, request });
  }

  @Get(':name/states')
  states(@Param('name') name: string, @Query() query: unknown): Promise<StatePage> {
    return this.repositories.states(name, query);
  }

  @Get(':name/states/:state')
  state(@Param('name') name: string, @Param('state') state: string): Promise<StateView> {
    return this.repositories.state(name, state);
  }

  @Get(':name/diff')
  diff(@Param('name') name: string, @Query() query: unknown): Promise<StateDiff> {
    return this.repositories.diff(name, query);
  }

  @Get(':name/keys')
  keys(@Param('name') name: string): Promise<KeyList> {
    return this.repositories.keys(name);
  }
}
