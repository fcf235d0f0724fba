import { Module } from '@nestjs/common';
import { ComposeAuth } from './compose-requester.js';
import { OdcsController } from './odcs-controller.js';
import { OdcsPagesController } from './odcs-pages-controller.js';
import { OdcsService } from './odcs-service.js';
import { OwnPagesOnly } from './own-pages-only.js';
import { WAITING_ROOM, WaitingRoom, defaultSeats } from './waiting-room.js';

@Module({ controllers: [OdcsController, OdcsPagesController], providers: [OdcsService, OwnPagesOnly, ComposeAuth, { provide: WAITING_ROOM, useFactory: () => new WaitingRoom(defaultSeats) }] })
export class OdcsModule {}
