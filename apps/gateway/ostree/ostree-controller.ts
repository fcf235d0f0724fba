import { createHash } from 'node:crypto';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCredentials } from '../../../libs/access/authentication/read-credentials.js';
import type { CacheCaller } from '../../../libs/cache-access/cache-access.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { ObjectHead } from '../../../libs/object-storage/object-store.js';
import { exportPath } from '../../../libs/ostree-exports/export-parts.js';
import { Public } from '../access/needs.js';
import type { CacheDependencies } from '../caches/cache-ports.js';
import { documentPolicy } from '../compose-files/file-headers.js';
import { CACHES } from '../gateway-tokens.js';
import { MayWait } from '../http/answer-deadline.js';
import { admitCaller } from '../http-caches/admit-caller.js';
import { sendCached } from '../http-caches/send-cached.js';
import { sendFound } from '../http-caches/send-miss.js';
import { ostreeAddress } from './ostree-address.js';

/** Looks at a file that is written anew between looking and reading. */
const attempts = 3;

/** Instances of the cache as OSTree repositories: the files that clients of OSTree ask for, for whoever may pull from the instance. */
@Controller()
@Public()
export class OstreeController {
  constructor(@Inject(CACHES) private readonly caches: CacheDependencies) {}

  @Get('ostree/*')
  @MayWait()
  async read(@Req() request: FastifyRequest<{ Params: { '*': string } }>, @Res() reply: FastifyReply): Promise<void> {
    const { ostree, access } = this.caches;
    const address = ostreeAddress(request.params['*']);
    if (address === undefined || !ostree.instances.has(address.instance)) return refuse(reply);
    const { instance, file, object } = address;
    const caller = await admitCaller(request, reply, { access, action: 'pull', instance });
    const key = exportPath(instance, file);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const head = await ostree.store.head(key);
        if (head === undefined || !(await sendFound(reply, () => this.send(request, reply, { key, head, object, caller })))) refuse(reply);
        return;
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'storage-conflict' || attempt === attempts) throw error;
      }
    }
  }

  private send(request: FastifyRequest, reply: FastifyReply, { key, head, object, caller }: { readonly key: string; readonly head: ObjectHead; readonly object: boolean; readonly caller: CacheCaller }): Promise<void> {
    void reply.header('content-security-policy', documentPolicy);
    return sendCached(request, reply, {
      tag: createHash('sha256').update(object ? key : head.etag).digest('hex'),
      size: head.size,
      type: 'application/octet-stream',
      fixed: object,
      shared: caller.name === 'anonymous',
      judge: () => this.caches.access.recheck(caller, readCredentials(request.raw)),
      sent: () => undefined,
      open: async ({ offset = 0, limit, signal }) => {
        const { content } = await this.caches.ostree.store.get(key, { etag: head.etag, ...(limit === undefined ? {} : { range: { start: offset, end: offset + limit - 1 } }), ...(signal === undefined ? {} : { signal }) });
        return { size: head.size, content };
      },
    });
  }
}

function refuse(reply: FastifyReply): void {
  void reply.code(404).type('text/plain; charset=utf-8').header('cache-control', 'no-store').send('404 Not Found: no such file in an OSTree repository of this service\n');
}
