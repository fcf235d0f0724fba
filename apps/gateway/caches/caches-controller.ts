import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { Caller, changedBy } from '../access/caller.js';
import { Needs } from '../access/needs.js';
import { MayWait } from '../http/answer-deadline.js';
import { CachesService } from './caches-service.js';
import type { CacheDetail, CacheView, EntryHistory, EntryPage, EntryView, EvictionView, VerificationView } from './cache-schemas.js';

@Controller('v1/caches')
@Needs('cache', 'reader')
export class CachesController {
  constructor(@Inject(CachesService) private readonly caches: CachesService) {}

  @Get()
  list(): Promise<{ readonly items: CacheView[] }> {
    return this.caches.list();
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
  @Needs('cache', 'writer')
  put(@Param('instance') instance: string, @Query() query: unknown, @Body() body: unknown, @Caller() caller: Principal): Promise<EntryView> {
    return this.caches.put(instance, query, { body, by: changedBy(caller) });
  }

  @Delete(':instance/entry')
  @Needs('cache', 'admin')
  @HttpCode(204)
  remove(@Param('instance') instance: string, @Query() query: unknown, @Caller() caller: Principal): Promise<void> {
    return this.caches.remove(instance, query, changedBy(caller));
  }

  @Get(':instance/why')
  why(@Param('instance') instance: string, @Query() query: unknown): Promise<EntryHistory> {
    return this.caches.why(instance, query);
  }

  @Post(':instance/evict')
  @Needs('cache', 'admin')
  @HttpCode(200)
  @MayWait()
  evict(@Param('instance') instance: string, @Body() body: unknown, @Caller() caller: Principal): Promise<EvictionView> {
    return this.caches.evict(instance, body, changedBy(caller));
  }

  @Post(':instance/verify')
  @Needs('cache', 'admin')
  @HttpCode(200)
  @MayWait()
  verify(@Param('instance') instance: string, @Caller() caller: Principal): Promise<VerificationView> {
    return this.caches.verify(instance, changedBy(caller));
  }

  @Post(':instance/pause')
  @Needs('cache', 'admin')
  @HttpCode(204)
  pause(@Param('instance') instance: string, @Caller() caller: Principal): Promise<void> {
    return this.caches.pause(instance, changedBy(caller));
  }

  @Post(':instance/resume')
  @Needs('cache', 'admin')
  @HttpCode(204)
  resume(@Param('instance') instance: string, @Caller() caller: Principal): Promise<void> {
    return this.caches.resume(instance, changedBy(caller));
  }
}
