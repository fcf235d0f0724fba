import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import type { ParkedMessagePage, ParkedMessageView } from './message-schemas.js';
import { MessagesService } from './messages-service.js';

@Controller('v1/parked-messages')
@Needs('composes', 'admin')
export class MessagesController {
  constructor(@Inject(MessagesService) private readonly messages: MessagesService) {}

  @Get()
  @Needs('composes', 'reader')
  list(@Query() query: unknown): Promise<ParkedMessagePage> {
    return this.messages.parked(query);
  }

  @Post(':id/retry')
  @HttpCode(200)
  retry(@Param('id') id: string, @Caller() caller: Principal): Promise<ParkedMessageView> {
    return this.messages.retry(id, changedBy(caller));
  }

  @Delete(':id')
  drop(@Param('id') id: string): Promise<ParkedMessageView> {
    return this.messages.drop(id);
  }
}
