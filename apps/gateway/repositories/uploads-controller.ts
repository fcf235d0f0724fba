import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { CLIENT_MILLISECONDS } from '../gateway-tokens.js';
import { MayWait } from '../http/answer-deadline.js';
import { clientGone } from '../http/client-gone.js';
import { wantBody } from '../http/expect-continue.js';
import { liftDeadline, startDeadline } from '../http/request-deadline.js';
import type { UploadView } from './change-schemas.js';
import { pathOf } from './present-repository.js';
import { UploadsService } from './uploads-service.js';

/** Milliseconds without a byte, in either direction: a store may take long to put together what it has been given. */
const silence = 15 * 60_000;

@Controller('v1/repositories/:name/uploads')
@Needs('repositories', 'writer')
export class UploadsController {
  constructor(
    @Inject(UploadsService) private readonly uploads: UploadsService,
    @Inject(CLIENT_MILLISECONDS) private readonly clientMilliseconds: number,
  ) {}

  @Get(':id')
  get(@Param('name') name: string, @Param('id') id: string): Promise<UploadView> {
    return this.uploads.get(name, id);
  }

  @Delete(':id')
  @HttpCode(204)
  discard(@Param('name') name: string, @Param('id') id: string, @Req() request: FastifyRequest): Promise<void> {
    return this.uploads.discard(name, id, clientGone(request, this.clientMilliseconds));
  }

  @Post()
  @MayWait()
  async receive(@Param('name') name: string, @Caller() caller: Principal, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<UploadView | { readonly items: readonly UploadView[] }> {
    liftDeadline(request.raw);
    wantBody(request.raw, reply.raw);
    const options = { by: changedBy(caller), signal: clientGone(request, silence) };
    try {
      if (request.isMultipart()) return { items: await this.uploads.receiveForm(name, request, options) };
      const upload = await this.uploads.receive(name, request, options);
      void reply.header('location', `${pathOf(name)}/uploads/${upload.id}`);
      return upload;
    } finally {
      // What is left of a body that nobody wants is read for as long as its client may take to see the answer.
      startDeadline(request.raw, this.clientMilliseconds);
      request.raw.unpipe();
      request.raw.resume();
    }
  }
}
