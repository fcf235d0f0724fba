import { Module } from '@nestjs/common';
import { RepositoryFilesController } from './repository-files-controller.js';

@Module({ controllers: [RepositoryFilesController] })
export class RepositoryFilesModule {}
