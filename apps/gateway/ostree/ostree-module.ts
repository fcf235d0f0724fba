import { Module } from '@nestjs/common';
import { OstreeController } from './ostree-controller.js';

@Module({ controllers: [OstreeController] })
export class OstreeModule {}
