import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { MayWait } from '../http/answer-deadline.js';
import { Manager, ManagesCache } from './cache-guard.js';
import type { CacheManager } from './cache-guard.js';
import { CachesService } from './caches-service.js';
import type { CacheDetail, CacheView, EntryHistory, EntryPage, EntryView, EvictionView, VerificationView } from './cache-schemas.js';

@Controller('v1/caches')
@ManagesCache('reader')
export class CachesController {
  constructor(@Inject(CachesService) private readonly caches: CachesService) {}

  @Get()
  list(@Manager() { sees }: CacheManager): Promise<{ readonly items: CacheView[] }> {
    return this.caches.list(sees);
  }

  @Get(':instance')
  get(@Param('instance') instance: string): Promise<CacheDetail> {
    return this.caches.get(instance);
  }

  @Get(':instance/entries')
  entries(@Param('instance') instance: string, @Query() query: unknown): Promise<EntryPage> {
    return this.caches.entries(instance, query);
  }

  @Get(':instance/entry')
  entry(@Param('instance') instance: string, @Query() query: unknown): Promise<EntryView> {
    return this.caches.entry(instance, query);
  }

  @Put(':instance/entry')
  @ManagesCache('writer')
  put(@Param('instance') instance: string, @Query() query: unknown, @Body() body: unknown, @Manager() { name: by }: CacheManager): Promise<EntryView> {
    return this.caches.put(instance, query, { body, by });
  }

  @Delete(':instance/entry')
  @ManagesCache('admin')
  @HttpCode(204)
  remove(@Param('instance') instance: string, @Query() query: unknown, @Manager() { name: by }: CacheManager): Promise<void> {
    return this.caches.remove(instance, query, by);
  }

  @Get(':instance/why')
  why(@Param('instance') instance: string, @Query() query: unknown): Promise<EntryHistory> {
    return this.caches.why(instance, query);
  }

  @Post(':instance/evict')
  @ManagesCache('admin')
  @HttpCode(200)
  @MayWait()
  evict(@Param('instance') instance: string, @Body() body: unknown, @Manager() { name: by }: CacheManager): Promise<EvictionView> {
    return this.caches.evict(instance, body, by);
  }

  @Post(':instance/verify')
  @ManagesCache('admin')
  @HttpCode(200)
  @MayWait()
  verify(@Param('instance') instance: string, @Manager() { name: by }: CacheManager): Promise<VerificationView> {
    return this.caches.verify(instance, by);
  }

  @Post(':instance/pause')
  @ManagesCache('admin')
  @HttpCode(204)
  pause(@Param('instance') instance: string, @Manager() { name: by }: CacheManager): Promise<void> {
    return this.caches.pause(instance, by);
  }

  @Post(':instance/resume')
  @ManagesCache('admin')
  @HttpCode(204)
  resume(@Param('instance') instance: string, @Manager() { name: by }: CacheManager): Promise<void> {
    return this.caches.resume(instance, by);
  }
}
