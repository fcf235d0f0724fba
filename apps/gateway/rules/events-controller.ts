import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Public } from '../access/needs.js';
import type { TakenEventView } from './message-schemas.js';
import { MessagesService } from './messages-service.js';

/** Webhooks of others. No credentials of ours: each is signed with a secret of its bus, over its very bytes. */
@Controller('v1/events')
@Public()
export class EventsController {
  constructor(@Inject(MessagesService) private readonly messages: MessagesService) {}

  @Post(':bus')
  @HttpCode(202)
  take(@Param('bus') bus: string, @Req() { headers, body }: FastifyRequest): Promise<TakenEventView> {
    const single = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
    return this.messages.take(bus, { headers: single, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) });
  }
}
