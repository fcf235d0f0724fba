import { Controller, Get } from '@nestjs/common';
import { Public } from '../access/needs.js';
import { openApiDocument } from './openapi-document.js';

@Controller('v1')
@Public()
export class OpenApiController {
  @Get('openapi.json')
  document(): object {
    return openApiDocument();
  }
}
