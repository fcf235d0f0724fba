import { Body, Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Needs } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { clientGone } from '../http/client-gone.js';
import type { Feed } from './feed-schemas.js';
import { FeedService } from './feed-service.js';

/** Milliseconds: what a build takes in is worked out of all that a repository lists. */
const longest = 120_000;

@Controller('v1/repositories/:name/feed')
@Needs('repositories', 'reader')
export class FeedController {
  constructor(@Inject(FeedService) private readonly feeds: FeedService) {}

  @Post()
  @HttpCode(200)
  @MayWait()
  feed(@Param('name') name: string, @Body() body: unknown, @Req() request: FastifyRequest): Promise<Feed> {
    clientGone(request, longest);
    return this.feeds.feed(name, body);
  }
}
