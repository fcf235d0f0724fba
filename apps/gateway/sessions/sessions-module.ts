import { Module } from '@nestjs/common';
import { SessionEnvironmentController } from './session-environment-controller.js';
import { SessionEnvironmentService } from './session-environment-service.js';
import { SessionsController } from './sessions-controller.js';
import { SessionsService } from './sessions-service.js';

@Module({ controllers: [SessionsController, SessionEnvironmentController], providers: [SessionsService, SessionEnvironmentService] })
export class SessionsModule {}
