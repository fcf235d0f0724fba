import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '../access/needs.js';
import { apiPage, favicon, indexPage, pagePolicy } from './odcs-pages.js';

const html = 'text/html; charset=utf-8';

/** What people see who open the service in a browser. */
@Controller()
@Public()
export class OdcsPagesController {
  @Get()
  @Header('content-type', html)
  @Header('content-security-policy', pagePolicy)
  index(): string {
    return indexPage();
  }

  @Get('api/1')
  @Header('content-type', html)
  @Header('content-security-policy', pagePolicy)
  api(): string {
    return apiPage();
  }

  @Get('favicon.ico')
  @Header('content-type', 'image/vnd.microsoft.icon')
  @Header('cache-control', 'public, max-age=86400')
  icon(): Buffer {
    return favicon;
  }
}
