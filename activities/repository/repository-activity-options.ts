import type { RepositoryEngine } from '../../libs/repository-engine/repository-engine.js';
import type { RepositoryCommands, RepositoryReads } from '../../libs/repository-record/repository-record.js';
import type { EngineOptions } from '../../libs/repository-engine/repository-engine.js';

export interface RepositoryActivityOptions {
  readonly engine: Pick<RepositoryEngine, 'inspect' | 'place' | 'prepareIndex' | 'preparedIndex' | 'switchIndex' | 'withdraw' | 'tidy' | 'prune'>;
  readonly commands: Pick<RepositoryCommands, 'requestChange' | 'plan' | 'published' | 'abandoned' | 'refuse' | 'upkeepFailed'>;
  readonly reads: Pick<RepositoryReads, 'get' | 'changesOf' | 'waiting' | 'planned' | 'states'>;
}

/** What is done by the clock, besides changes. */
export interface RepositoryUpkeep {
  /** Compares what lies in the store with what the record knows, and writes the report. */
  check(name: string, options: EngineOptions): Promise<void>;
  /** Brings what its upstream has, as a change. */
  synchronise(name: string, options: EngineOptions): Promise<void>;
}
