import { Module } from '@nestjs/common';
import { ComposeFilesController } from './compose-files-controller.js';

@Module({ controllers: [ComposeFilesController] })
export class ComposeFilesModule {}
