import { Module } from '@nestjs/common';
import { CaController } from './ca-controller.js';

@Module({ controllers: [CaController] })
export class CaModule {}
