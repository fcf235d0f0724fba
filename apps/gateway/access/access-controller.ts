import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import type { AccessExplanationView, WhoAmI } from './access-schemas.js';
import { AccessService } from './access-service.js';
import { Caller } from './caller.js';
import { Needs } from './needs.js';

@Controller('v1/access')
export class AccessController {
  constructor(@Inject(AccessService) private readonly access: AccessService) {}

  @Get()
  @Needs('service', 'login', { unknownCallers: true })
  whoAmI(@Caller() caller: Principal): Promise<WhoAmI> {
    return this.access.whoAmI(caller);
  }

  @Post('explain')
  @HttpCode(200)
  @Needs('service', 'admin')
  explain(@Body() body: unknown): Promise<AccessExplanationView> {
    return this.access.explain(parseJsonBody(body));
  }
}
