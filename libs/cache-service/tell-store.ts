import type { Logger } from 'pino';

/** Logs, once each, that the store went away and that it is back. */
export function tellStore(log: Pick<Logger, 'error' | 'info'>): (problem: string | undefined) => void {
  return (problem) => {
    if (problem === undefined) log.info('the store of the artifact cache is there again');
    else log.error({ problem }, 'the store of the artifact cache is away: its larger blobs can neither be pulled nor pushed, and nothing is evicted');
  };
}
