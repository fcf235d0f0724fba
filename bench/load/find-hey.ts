import { findTool } from '../../temporal/find-tool.js';
import { goInstall } from '../../temporal/tool-sources.js';

/** Path of `hey`, the load generator; compiled into the cache when the machine has none. Rejects with `tool-not-found`. */
export function findHey(onProgress: (message: string) => void, signal: AbortSignal): Promise<string> {
  const hey = { title: 'load generator (hey)', setting: 'MILLRACE_BENCH_HEY', command: 'hey', cacheFile: 'hey', sources: [goInstall('github.com/rakyll/hey@latest')] };
  return findTool(hey, { environment: process.env, onProgress, signal });
}
