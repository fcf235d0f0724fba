import { Module } from '@nestjs/common';
import { ComposeNamesController } from './compose-names-controller.js';
import { ComposeNamesService } from './compose-names-service.js';

@Module({ controllers: [ComposeNamesController], providers: [ComposeNamesService] })
export class ComposeNamesModule {}
