import type { Logger } from 'pino';
import type { ComposeEngineOptions } from '../../libs/compose-engine/create-compose-engine.js';
import type { Environment, Settings } from '../../libs/settings/settings.js';

export interface WorkerProcessOptions {
  readonly settings: Settings;
  readonly log: Logger;
  /** Other task queues than `sessions`, `composes`, `repositories` and `artifacts`; for specs that share a server. */
  readonly taskQueue?: string;
  readonly composeTaskQueue?: string;
  readonly repositoryTaskQueue?: string;
  readonly cacheTaskQueue?: string;
  /** Secrets of message sinks and buses, and PATH; without it there are none. */
  readonly environment?: Environment;
  /** See `ComposeEngineOptions`: specs that run from the sources have no file that a thread could start with. */
  readonly runGeneration?: ComposeEngineOptions['run'];
}
