import { Module } from '@nestjs/common';
import { HttpCachesController } from './http-caches-controller.js';
import { HttpCachesIntake } from './http-caches-intake.js';
import { HttpCachesService } from './http-caches-service.js';
import { TurborepoController } from './turborepo-controller.js';
import { TurborepoService } from './turborepo-service.js';

@Module({ controllers: [HttpCachesController, TurborepoController], providers: [HttpCachesService, HttpCachesIntake, TurborepoService], exports: [HttpCachesIntake] })
export class HttpCachesModule {}
