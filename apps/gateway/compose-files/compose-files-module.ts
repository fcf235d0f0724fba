import { Module } from '@nestjs/common';
import { ComposeFilesController } from './compose-files-controller.js';
import { LatestFilesController } from './latest-files-controller.js';

@Module({ controllers: [LatestFilesController, ComposeFilesController] })
export class ComposeFilesModule {}
