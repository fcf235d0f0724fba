import { Module } from '@nestjs/common';
import { EventsController } from './events-controller.js';
import { MessagesController } from './messages-controller.js';
import { MessagesService } from './messages-service.js';

@Module({ controllers: [MessagesController, EventsController], providers: [MessagesService] })
export class MessagesModule {}
