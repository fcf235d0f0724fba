import { Module } from '@nestjs/common';
import { ChangesController } from './changes-controller.js';
import { ChangesService } from './changes-service.js';
import { ContentAccess } from './content-access.js';
import { FeedController } from './feed-controller.js';
import { FeedService } from './feed-service.js';
import { MaintenanceController } from './maintenance-controller.js';
import { MaintenanceService } from './maintenance-service.js';
import { OriginsController } from './origins-controller.js';
import { RepositoriesController } from './repositories-controller.js';
import { RepositoriesService } from './repositories-service.js';
import { UploadsController } from './uploads-controller.js';
import { UploadsService } from './uploads-service.js';

@Module({
  controllers: [RepositoriesController, ChangesController, UploadsController, MaintenanceController, FeedController, OriginsController],
  providers: [ContentAccess, RepositoriesService, ChangesService, UploadsService, MaintenanceService, FeedService],
})
export class RepositoriesModule {}
