import { Module } from '@nestjs/common';
import { SessionControlController } from './session-control-controller.js';
import { SessionControlService } from './session-control-service.js';

@Module({ controllers: [SessionControlController], providers: [SessionControlService] })
export class SessionControlModule {}
