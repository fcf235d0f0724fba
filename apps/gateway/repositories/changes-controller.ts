import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { clientGone } from '../http/client-gone.js';
import type { ChangePage, ChangePreviewView, ChangeView } from './change-schemas.js';
import { ContentAccess } from './content-access.js';
import { ChangesService } from './changes-service.js';
import type { ChangeOptions } from './changes-service.js';
import { waitPreference } from './wait-preference.js';

/** Milliseconds that an answer may take besides the time that its client asked for: packages are read for a dry run. */
const margin = 60_000;

@Controller('v1/repositories/:name')
@Needs('repositories', 'reader')
export class ChangesController {
  constructor(
    @Inject(ChangesService) private readonly changes: ChangesService,
    @Inject(ContentAccess) private readonly contents: ContentAccess,
  ) {}

  @Get('changes')
  list(@Param('name') name: string, @Query() query: unknown): Promise<ChangePage> {
    return this.changes.list(name, query);
  }

  /** Waits only for whoever asks for it. */
  @Get('changes/:id')
  @MayWait()
  async get(@Param('name') name: string, @Param('id') id: string, @Req() request: FastifyRequest): Promise<ChangeView> {
    const wait = request.headers.prefer === undefined ? 0 : waitPreference(request.headers.prefer);
    return this.changes.get(name, id, { wait, gone: clientGone(request, wait + margin) });
  }

  @Post('publish')
  @Needs('repositories', 'writer')
  @MayWait()
  async publish(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ChangeView | ChangePreviewView> {
    return answer(reply, await this.changes.publish(name, body, { ...optionsOf(request, caller), demandContents: (places) => this.contents.demand(places, { caller, request }, reply) }));
  }

  @Post('remove')
  @Needs('repositories', 'writer')
  @MayWait()
  async remove(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ChangeView | ChangePreviewView> {
    return answer(reply, await this.changes.remove(name, body, optionsOf(request, caller)));
  }

  @Post('rollback')
  @Needs('repositories', 'admin')
  @MayWait()
  async rollBack(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ChangeView | ChangePreviewView> {
    return answer(reply, await this.changes.rollBack(name, body, optionsOf(request, caller)));
  }

  @Post('sign')
  @Needs('repositories', 'admin')
  @MayWait()
  async sign(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ChangeView | ChangePreviewView> {
    return answer(reply, await this.changes.sign(name, body, optionsOf(request, caller)));
  }
}

export function optionsOf(request: FastifyRequest, caller: Principal): ChangeOptions {
  const wait = waitPreference(request.headers.prefer);
  return { caller, wait, gone: clientGone(request, wait + margin) };
}

/** 202 while it goes on: it will be done, and the link tells what became of it. */
function answer(reply: FastifyReply, view: ChangeView | ChangePreviewView): ChangeView | ChangePreviewView {
  const goesOn = !('dryRun' in view) && view.endedAt === null;
  void reply.code(goesOn ? 202 : 200);
  if (goesOn) void reply.headers({ location: view.links.self, 'retry-after': '1' });
  return view;
}
