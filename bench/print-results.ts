import Table from 'cli-table3';
import type { Measurement } from './measure/run-rounds.js';
import { spreadOf } from './measure/spread.js';
import type { MeasuredProxy } from './proxies/measured-proxy.js';
import type { AbsentProxy } from './proxies/start-proxies.js';
import { scenarios } from './scenarios.js';

export interface Results {
  readonly machine: string;
  readonly origin: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
  readonly absent: readonly AbsentProxy[];
}

const heading = ['', 'requests/s (least to most)', 'MB/s', 'p50 ms', 'p99 ms', 'CPU ms/request', 'memory MB', 'records/commit'];

/** The results as text: a table for each scenario. */
export function formatResults(results: Results, proxies: readonly Pick<MeasuredProxy, 'name' | 'title'>[]): string {
  const parts = [`${results.machine}; origin: ${results.origin}; ${results.rounds} rounds of ${results.seconds} s, in turns; medians`];
  for (const scenario of scenarios) {
    const taken = results.measurements.filter((measurement) => measurement.scenario === scenario.name);
    if (taken.length > 0) parts.push(`${scenario.title}\n${scenario.name === 'memory' ? memoryText(taken) : scenarioTable(taken, proxies)}`);
  }
  const absent = results.absent.map(({ name, reason }) => `${name}: not measured: ${reason}`);
  const titles = proxies.map(({ name, title }) => `${name}: ${title}`);
  const reading = 'CPU ms/request is of the proxy\'s own processes (+ PostgreSQL); memory is the most that they had resident.';
  return [...parts, [...titles, ...absent, reading].join('\n')].join('\n\n');
}

function scenarioTable(taken: readonly Measurement[], proxies: readonly Pick<MeasuredProxy, 'name'>[]): string {
  const table = new Table({ head: heading, style: { head: [], border: [], compact: true }, colAligns: ['left', ...heading.slice(1).map(() => 'right' as const)] });
  for (const { name } of proxies) {
    const own = taken.filter(({ proxy }) => proxy === name);
    if (own.length === 0) continue;
    const median = (value: (measurement: Measurement) => number | undefined): number | undefined => spreadOf(own.map(value))?.median;
    const rate = spreadOf(own.map(({ requestsPerSecond }) => requestsPerSecond));
    const cpu = median(({ cpu: spent, completed }) => (spent === undefined ? undefined : spent / completed));
    const database = median(({ databaseCpu, completed }) => (databaseCpu === undefined ? undefined : databaseCpu / completed));
    table.push([
      name,
      rate === undefined ? '-' : `${shown(rate.median)} (${shown(rate.least)} to ${shown(rate.most)})`,
      shown(median(({ megabytesPerSecond }) => megabytesPerSecond)),
      shown(median(({ p50 }) => p50)),
      shown(median(({ p99 }) => p99)),
      `${shown(cpu)}${database === undefined ? '' : ` + ${shown(database)}`}`,
      shown(megabytes(median(({ memoryPeak }) => memoryPeak))),
      shown(median(({ recordsPerCommit }) => recordsPerCommit)),
    ]);
  }
  return table.toString();
}

function memoryText(taken: readonly Measurement[]): string {
  return taken
    .map((measurement) => `${measurement.proxy}: ${shown(megabytes(measurement.memoryBefore))} MB at rest, at most ${shown(megabytes(measurement.memoryPeak))} MB during the download (${shown(measurement.megabytesPerSecond)} MB/s)`)
    .join('\n');
}

function megabytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}

/** Three significant digits; a dash for what is not known. */
function shown(value: number | undefined): string {
  if (value === undefined) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
