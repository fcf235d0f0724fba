import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Needs } from '../access/needs.js';
import { METRICS } from '../gateway-tokens.js';
import type { GatewayMetrics } from './gateway-metrics.js';

@Controller()
export class MetricsController {
  constructor(@Inject(METRICS) private readonly metrics: GatewayMetrics) {}

  @Get('metrics')
  @Needs('service', 'reader', { whilePublic: 'metrics' })
  scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.scrape();
  }
}
