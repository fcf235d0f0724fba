import { Module } from '@nestjs/common';
import { HttpCachesModule } from '../http-caches/http-caches-module.js';
import { BlobsController } from './blobs-controller.js';
import { CachesController } from './caches-controller.js';
import { CachesService } from './caches-service.js';

@Module({ imports: [HttpCachesModule], controllers: [CachesController, BlobsController], providers: [CachesService] })
export class CachesModule {}
