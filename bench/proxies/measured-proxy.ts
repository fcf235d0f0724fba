import type { ProxyName } from '../bench-options.js';
import type { LoadResult } from '../load/run-hey.js';
import type { Origin } from '../origin/start-origin.js';

/** A proxy under measurement, running. */
export interface MeasuredProxy {
  readonly name: ProxyName;
  /** What it does while it is measured. */
  readonly title: string;
  /** Its own processes; descendants count too. */
  pids(): readonly number[];
  /** The server that its record is kept in, where it has one. */
  databasePids(): readonly number[];
  /** Before a measurement. Gives its address, credentials included, and what to do after the load. */
  openRun(): Promise<ProxyRun>;
  stop(): Promise<void>;
}

export interface ProxyRun {
  readonly proxyUrl: string;
  /** Checks that the proxy did its work on that load and rejects if not; numbers of its own for the table. */
  close(load: LoadResult): Promise<RunFacts>;
}

export interface RunFacts {
  /** Mean number of exchanges that shared a durable commit. */
  readonly recordsPerCommit?: number;
}

export interface ProxyStart {
  /** Empty folder for its files. */
  readonly folder: string;
  readonly origin: Origin;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** For proxies that need neither credentials nor a check afterwards. */
export function plainRun(port: number): () => Promise<ProxyRun> {
  return async () => ({ proxyUrl: `http://127.0.0.1:${port}`, close: async () => ({}) });
}
