import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/needs.js';
import { HealthService } from './health-service.js';
import type { CacheReadiness, Readiness } from './health-service.js';

@Controller()
@Public()
export class HealthController {
  constructor(@Inject(HealthService) private readonly health: HealthService) {}

  @Get('healthz')
  alive(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.health.readiness();
    void reply.code(readiness.ready ? 200 : 503);
    return readiness;
  }

  /** A gateway whose cache is away still opens sessions: whoever serves HTTP caches by it asks here. */
  @Get('readyz/cache')
  async cacheReady(@Res({ passthrough: true }) reply: FastifyReply): Promise<CacheReadiness> {
    const readiness = await this.health.cacheReadiness();
    void reply.code(readiness.ready ? 200 : 503);
    return readiness;
  }
}
