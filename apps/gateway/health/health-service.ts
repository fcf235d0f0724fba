import { Inject, Injectable } from '@nestjs/common';
import type { CacheDependencies } from '../caches/cache-ports.js';
import type { SessionReads, SessionWorkflows } from '../gateway-ports.js';
import { CACHES, READS, WORKFLOWS } from '../gateway-tokens.js';
import { withDeadline } from '../http/with-deadline.js';

export interface Readiness {
  readonly ready: boolean;
  readonly database: 'ok' | 'away';
  readonly workflowEngine: 'ok' | 'away';
}

export interface CacheReadiness {
  readonly ready: boolean;
  readonly database: 'ok' | 'away';
  readonly store: 'ok' | 'away';
}

const probeMilliseconds = 2000;

/**
 * Ready means that sessions can be opened. The database is needed always. The workflow engine is needed once, at first: a
 * service that never saw its engine is set up wrongly and should get no traffic; one that has seen it keeps serving while
 * the engine is away, because the record goes on without it.
 */
@Injectable()
export class HealthService {
  private engineSeen = false;

  constructor(
    @Inject(READS) private readonly reads: SessionReads,
    @Inject(WORKFLOWS) private readonly workflows: SessionWorkflows,
    @Inject(CACHES) private readonly caches: Pick<CacheDependencies, 'storeAnswers'>,
  ) {}

  async readiness(): Promise<Readiness> {
    const [database, engine] = await Promise.all([answers(this.reads.ready().then(() => true)), answers(this.workflows.reachable())]);
    this.engineSeen ||= engine;
    return { ready: database && this.engineSeen, database: database ? 'ok' : 'away', workflowEngine: engine ? 'ok' : 'away' };
  }

  /** Ready means that blobs can be pulled and pushed. */
  async cacheReadiness(): Promise<CacheReadiness> {
    const [database, store] = await Promise.all([answers(this.reads.ready().then(() => true)), this.caches.storeAnswers()]);
    return { ready: database && store, database: database ? 'ok' : 'away', store: store ? 'ok' : 'away' };
  }
}

async function answers(probe: Promise<boolean>): Promise<boolean> {
  try {
    return await withDeadline(probe, probeMilliseconds, () => new Error('no answer in time'));
  } catch {
    return false;
  }
}
