import type { BenchOptions } from '../bench-options.js';
import { isWanted } from '../bench-options.js';
import { runHey } from '../load/run-hey.js';
import type { LoadResult } from '../load/run-hey.js';
import type { MeasuredProxy, RunFacts } from '../proxies/measured-proxy.js';
import { scenarios } from '../scenarios.js';
import type { Scenario } from '../scenarios.js';
import { usageOf } from './process-usage.js';
import { watchProcesses } from './watch-processes.js';
import type { WatchedUsage } from './watch-processes.js';

/** One proxy under one load, once. */
export interface Measurement extends LoadResult, WatchedUsage, RunFacts {
  readonly scenario: string;
  readonly proxy: string;
  readonly round: number;
  /** Milliseconds of processor time of the proxy's database, where it has one. */
  readonly databaseCpu: number | undefined;
}

export interface Rounds {
  readonly options: BenchOptions;
  readonly proxies: readonly MeasuredProxy[];
  readonly hey: string;
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

const warmUpSeconds = 2;

/**
 * Measures every proxy in every scenario, in turns: whatever else the machine does falls on all of them. The 1 GiB download runs once, on
 * one Millrace process only, because it is about memory.
 */
export async function runRounds(rounds: Rounds): Promise<readonly Measurement[]> {
  const { options, proxies } = rounds;
  const measurements: Measurement[] = [];
  const names = scenarios.map(({ name }) => name);
  for (const scenario of scenarios.filter(({ name }) => isWanted(options, name, names))) {
    const memory = scenario.name === 'memory';
    const taking = memory ? proxies.filter(({ name }) => name === 'millrace') : proxies;
    if (!memory) for (const proxy of taking) await measure(rounds, proxy, { scenario, seconds: warmUpSeconds, round: 0 });
    for (let round = 1; round <= (memory ? 1 : options.rounds); round += 1) {
      for (const proxy of taking) {
        rounds.onProgress(`${scenario.title}: ${proxy.name}, round ${round}`);
        measurements.push(await measure(rounds, proxy, { scenario, seconds: memory ? undefined : options.seconds, round }));
      }
    }
  }
  return measurements;
}

async function measure(rounds: Rounds, proxy: MeasuredProxy, what: { readonly scenario: Scenario; readonly seconds: number | undefined; readonly round: number }): Promise<Measurement> {
  const { scenario, seconds, round } = what;
  rounds.signal.throwIfAborted();
  const run = await proxy.openRun();
  const databaseBefore = usageOf(proxy.databasePids())?.cpu;
  const { result, usage } = await watchProcesses(proxy.pids(), () => runHey({ hey: rounds.hey, scenario, origin: rounds.origin, proxyUrl: run.proxyUrl, seconds, signal: rounds.signal }));
  const databaseAfter = usageOf(proxy.databasePids())?.cpu;
  const facts = await run.close(result);
  const databaseCpu = proxy.databasePids().length === 0 || databaseBefore === undefined || databaseAfter === undefined ? undefined : databaseAfter - databaseBefore;
  return { scenario: scenario.name, proxy: proxy.name, round, ...result, ...usage, databaseCpu, ...facts };
}
