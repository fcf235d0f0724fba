import type { Readable } from 'node:stream';
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { Public } from '../access/needs.js';
import { wantBody } from '../http/expect-continue.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import { cacheAddress } from './cache-address.js';
import { sendMiss } from './send-miss.js';
import { TurborepoService } from './turborepo-service.js';

const mostBytes = 1024 * 1024;

@Controller()
@Public()
export class TurborepoController {
  constructor(@Inject(TurborepoService) private readonly turborepo: TurborepoService) {}

  @Post(['v8/artifacts', 'v8/artifacts/events', 'cache/*'])
  async ask(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = cacheAddress(request.url.split('?')[0] ?? '');
    if (address?.protocol !== 'turborepo' || !['', 'events'].includes(address.key)) return sendMiss(reply);
    const body = parseJsonBody(await wholeBody(request, reply));
    if (address.key === 'events') await this.turborepo.events(request, reply, { address, body });
    else await this.turborepo.query(request, reply, { address, body });
  }
}

/** Bodies of some routes here are streamed: what is pushed has any size. */
async function wholeBody(request: FastifyRequest, reply: FastifyReply): Promise<Buffer | undefined> {
  if (request.body === undefined || Buffer.isBuffer(request.body)) return request.body;
  wantBody(request.raw, reply.raw);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.body as Readable) {
    size += (chunk as Buffer).length;
    if (size > mostBytes) throw new MillraceError('payload-too-large', `this may have ${mostBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
