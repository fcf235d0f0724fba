import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { OdcsController } from './odcs-controller.js';
import { OdcsPagesController } from './odcs-pages-controller.js';
import { OdcsService } from './odcs-service.js';
import { HEARTBEAT, WAITING_ROOM, WaitingRoom, defaultHeartbeat, defaultSeats } from './waiting-room.js';

export interface OdcsModuleOptions {
  readonly waitingSeats?: number;
  readonly heartbeatMilliseconds?: number;
}

@Module({})
export class OdcsModule {
  static with(options: OdcsModuleOptions): DynamicModule {
    return {
      module: OdcsModule,
      controllers: [OdcsController, OdcsPagesController],
      providers: [
        OdcsService,
        { provide: WAITING_ROOM, useValue: new WaitingRoom(options.waitingSeats ?? defaultSeats) },
        { provide: HEARTBEAT, useValue: options.heartbeatMilliseconds ?? defaultHeartbeat },
      ],
    };
  }
}
