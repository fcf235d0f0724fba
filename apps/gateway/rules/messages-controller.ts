import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, UseGuards } from '@nestjs/common';
import type { Settings } from '../../../libs/settings/settings.js';
import { SETTINGS } from '../gateway-tokens.js';
import { BasicAuthGuard, controlUser } from '../http/basic-auth.js';
import type { ParkedMessagePage, ParkedMessageView } from './message-schemas.js';
import { MessagesService } from './messages-service.js';

@Controller('v1/parked-messages')
@UseGuards(BasicAuthGuard)
export class MessagesController {
  constructor(
    @Inject(MessagesService) private readonly messages: MessagesService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get()
  list(@Query() query: unknown): Promise<ParkedMessagePage> {
    return this.messages.parked(query);
  }

  @Post(':id/retry')
  @HttpCode(200)
  retry(@Param('id') id: string): Promise<ParkedMessageView> {
    return this.messages.retry(id, controlUser(this.settings));
  }

  @Delete(':id')
  drop(@Param('id') id: string): Promise<ParkedMessageView> {
    return this.messages.drop(id);
  }
}
