import { Controller, Delete, Get, HttpException, Inject, Mkcol, Options, Propfind, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { cacheAddress } from './cache-address.js';
import type { CacheAddress, CacheProtocol } from './cache-address.js';
import { sha256Of } from './cache-keys.js';
import { cacheRoutes } from './cache-routes.js';
import { HttpCachesIntake } from './http-caches-intake.js';
import { HttpCachesService } from './http-caches-service.js';
import { sendMiss } from './send-miss.js';
import { TurborepoService } from './turborepo-service.js';
import { webdavProperties } from './webdav-answers.js';

const methods: Readonly<Record<CacheProtocol, readonly string[]>> = {
  cas: ['GET', 'HEAD', 'PUT'],
  // ccache removes what it finds broken, with the layout of Bazel here.
  ac: ['GET', 'HEAD', 'PUT', 'DELETE'],
  gradle: ['GET', 'HEAD', 'PUT'],
  turborepo: ['GET', 'HEAD', 'PUT'],
  ccache: ['GET', 'HEAD', 'PUT', 'DELETE'],
  sccache: ['GET', 'HEAD', 'PUT', 'DELETE', 'PROPFIND', 'MKCOL'],
};

/** HTTP caches of build tools. Who may do what is for the cache's own rules (`libs/cache-access`): each handler asks them first. */
@Controller()
@Public()
export class HttpCachesController {
  constructor(
    @Inject(HttpCachesService) private readonly caches: HttpCachesService,
    @Inject(HttpCachesIntake) private readonly intake: HttpCachesIntake,
    @Inject(TurborepoService) private readonly turborepo: TurborepoService,
  ) {}

  @Get(cacheRoutes)
  @MayWait()
  async read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(request, reply);
    if (address === undefined) return;
    if (address.protocol === 'turborepo' && address.key === 'status') return this.turborepo.status(request, reply, address);
    if (address.protocol === 'sccache' && isFolder(address)) return sendMiss(reply);
    await this.caches.read(request, reply, await this.caches.admit(request, reply, { action: 'pull', address }));
  }

  @Put(cacheRoutes)
  @MayWait()
  async write(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(request, reply);
    if (address === undefined) return;
    const { hash, entry } = await this.intake.receive(request, reply, () => this.caches.admit(request, reply, { action: 'push', address }));
    void reply.header('etag', `"${hash}"`);
    if (address.protocol === 'turborepo') return void reply.code(202).type('application/json; charset=utf-8').send(JSON.stringify({ urls: [entry?.key] }));
    void reply.code(201).send();
  }

  @Delete(cacheRoutes)
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(request, reply);
    if (address === undefined) return;
    const { entry, ...admitted } = await this.caches.admit(request, reply, { action: 'push', address });
    if (entry !== undefined) await this.caches.remove(reply, { ...admitted, entry });
  }

  /** WebDAV: whether a file is there, or a folder, which any name ending with a slash is. */
  @Propfind(cacheRoutes)
  async find(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(request, reply);
    if (address === undefined) return;
    const depth = request.headers['depth'] ?? 'infinity';
    if (depth !== '0') throw new HttpException('Depth', 403);
    const folder = isFolder(address);
    const { instance, entry } = await this.caches.admit(request, reply, { action: 'pull', address: folder ? { ...address, key: '.' } : address });
    const found = folder || entry === undefined ? undefined : await this.caches.entry(instance, entry);
    if (!folder && found === undefined) return sendMiss(reply);
    const [href = ''] = request.url.split('?');
    const file = found === undefined ? undefined : { pushedAt: found.pushedAt, size: found.value?.length ?? found.target?.digest.size ?? 0, tag: found.value === undefined ? (found.target?.digest.hash ?? '') : sha256Of(found.value) };
    void reply.code(207).type('application/xml; charset=utf-8').send(webdavProperties(href, file));
  }

  /** Folders are not kept; whoever may push may say that it makes one. */
  @Mkcol(cacheRoutes)
  async makeFolder(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(request, reply);
    if (address === undefined) return;
    await this.caches.admit(request, reply, { action: 'push', address: { ...address, key: address.key.replace(/\/+$/, '') || '.' } });
    void reply.code(201).send();
  }

  @Options(cacheRoutes)
  options(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const address = cacheAddress(pathOf(request));
    if (address === undefined) return sendMiss(reply);
    // Turborepo's preflight looks whether it may show its credentials; pages of other sites are not let in by this.
    void reply.headers({ allow: [...methods[address.protocol], 'OPTIONS'].join(', '), 'access-control-allow-headers': 'Authorization, Content-Type, User-Agent, x-artifact-duration, x-artifact-tag, x-artifact-client-ci, x-artifact-client-interactive' });
    if (address.protocol === 'sccache') void reply.header('dav', '1');
    void reply.code(204).send();
  }
}

/** Undefined: it was answered. */
function addressOf(request: FastifyRequest, reply: FastifyReply): CacheAddress | undefined {
  const address = cacheAddress(pathOf(request));
  if (address === undefined) {
    void reply.code(404).type('text/plain; charset=utf-8').send('404 Not Found: /cache/<instance>/ is followed by cas, ac, gradle, v8/artifacts, ccache or sccache\n');
    return undefined;
  }
  if (methods[address.protocol].includes(request.method)) return address;
  void reply.header('allow', [...methods[address.protocol], 'OPTIONS'].join(', '));
  throw new HttpException('Method Not Allowed', 405);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}

function isFolder({ key }: CacheAddress): boolean {
  return key === '' || key.endsWith('/');
}
