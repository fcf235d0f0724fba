import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { RepositoriesService } from './repositories-service.js';
import type { Origins } from './repository-schemas.js';

/** Where bytes came from, whatever repository lists them. */
@Controller('v1/packages')
@Needs('repositories', 'reader')
export class OriginsController {
  constructor(@Inject(RepositoriesService) private readonly repositories: RepositoriesService) {}

  @Get(':sha256/origins')
  origins(@Param('sha256') sha256: string, @Caller() caller: Principal, @Req() request: FastifyRequest): Promise<Origins> {
    return this.repositories.origins(sha256, { caller, request });
  }
}
