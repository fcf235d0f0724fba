import Table from 'cli-table3';
import os from 'node:os';
import type { CacheSubject } from './cache-subject.js';
import type { LoadFigures } from './run-load.js';

export interface CacheMeasurement extends LoadFigures {
  readonly load: string;
  readonly title: string;
  readonly subject: string;
  /** Milliseconds of processor time of the cache's own processes, and of its database. */
  readonly cpu: number | undefined;
  readonly databaseCpu: number | undefined;
  /** Bytes. */
  readonly memoryPeak: number | undefined;
}

const head = ['', '1/s', 'MB/s', 'p50 ms', 'p99 ms', 'CPU ms each', '+ database', 'memory MB', 'load CPU'];
/** Of a whole processor: beyond it, the load may be what is measured. */
const busy = 0.85;

/** A table for each load. */
export function printCacheResults(measurements: readonly CacheMeasurement[], subjects: readonly Pick<CacheSubject, 'name' | 'title'>[]): string {
  const [processor] = os.cpus();
  const machine = `${os.cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Node ${process.version}, load average at the end ${(os.loadavg()[0] ?? 0).toFixed(1)}`;
  const tables = [...new Set(measurements.map(({ title }) => title))].map((title) => `${title}\n${tableOf(measurements.filter((each) => each.title === title))}`);
  const reading = `CPU ms each: processor time of the cache's process for one operation, and of its database. load CPU: share of one processor that making the load took; with ! it was what limited.`;
  return [machine, ...tables, [...subjects.map(({ name, title }) => `${name}: ${title}`), reading].join('\n')].join('\n\n');
}

function tableOf(taken: readonly CacheMeasurement[]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true }, colAligns: ['left', ...head.slice(1).map(() => 'right' as const)] });
  for (const { subject, operations, bytes, seconds, p50, p99, cpu, databaseCpu, memoryPeak, loadCpu } of taken) {
    const each = (value: number | undefined): string => shown(value === undefined ? undefined : value / operations);
    const share = loadCpu / 1000 / seconds;
    table.push([subject, shown(operations / seconds), shown(bytes / seconds / 1e6), shown(p50), shown(p99), each(cpu), each(databaseCpu), shown(memoryPeak === undefined ? undefined : memoryPeak / 1e6), `${Math.round(share * 100)} %${share > busy ? ' !' : ''}`]);
  }
  return table.toString();
}

/** Three significant digits; a dash for what is not known. */
function shown(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
