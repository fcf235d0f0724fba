import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { errorMessage } from '../../libs/errors/error-message.js';
import { spreadOf, type Spread } from '../measure/spread.js';
import type { InspectedFormat } from './inspected-format.js';
import { inspectedFormats } from './inspected-formats.js';
import type { InspectionMeasurement } from './measure-inspection.js';

export interface InspectionBenchOptions {
  readonly rounds: number;
  /** Names of formats; empty: all. */
  readonly only: readonly string[];
}

const run = promisify(execFile);
const mebibyte = 1024 * 1024;

/** `npm run bench -- inspect`: time and memory per inspected MiB, by format, beside a well-known program that reads the same file. */
export async function benchInspection(options: InspectionBenchOptions): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  const rows: string[][] = [];
  try {
    for (const format of inspectedFormats.filter(({ name }) => options.only.length === 0 || options.only.includes(name))) {
      process.stderr.write(`${format.name}\n`);
      rows.push(await measureFormat(format, { folder, rounds: options.rounds }));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const heading = ['format', 'MiB', 'ms/MiB (least to most)', 'MiB/s', 'memory MiB', 'peer', 'peer ms/MiB'];
  const table = new Table({ head: heading, style: { head: [], border: [], compact: true }, colAligns: ['left', 'right', 'right', 'right', 'right', 'left', 'right'] });
  table.push(...rows);
  const [processor] = os.cpus();
  const machine = `${os.cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}, Node ${process.version}; ${options.rounds} rounds in turns with the peer; medians; MiB as transferred`;
  process.stdout.write(`${machine}\n${table.toString()}\nmemory: what a process that does only this grew by, its code included.\n`);
}

async function measureFormat(format: InspectedFormat, { folder, rounds }: { readonly folder: string; readonly rounds: number }): Promise<string[]> {
  const files = { artefact: path.join(folder, `artefact-${format.name}`), prepared: path.join(folder, `prepared-${format.name}`) };
  await script('prepare-inspection.js', [format.name, files.artefact, files.prepared]);
  const own: InspectionMeasurement[] = [];
  const peer: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    own.push(await measureOwn(format, files));
    const milliseconds = await measurePeer(format, files.artefact);
    if (milliseconds !== undefined) peer.push(milliseconds);
  }
  const size = (own[0]?.size ?? 0) / mebibyte;
  const time = spreadOf(own.map(({ milliseconds }) => milliseconds / size)) as Spread;
  const memory = spreadOf(own.map((each) => each.memory / mebibyte)) as Spread;
  const peerTime = spreadOf(peer.map((milliseconds) => milliseconds / size));
  return [
    format.name,
    size.toFixed(1),
    `${time.median.toFixed(1)} (${time.least.toFixed(1)} to ${time.most.toFixed(1)})`,
    (1000 / time.median).toFixed(0),
    memory.median.toFixed(0),
    format.peer?.title ?? '',
    peerTime === undefined ? '-' : peerTime.median.toFixed(1),
  ];
}

async function measureOwn(format: InspectedFormat, files: { readonly artefact: string; readonly prepared: string }): Promise<InspectionMeasurement> {
  const measurement = JSON.parse(await script('measure-inspection.js', [format.inspector.id, files.artefact, files.prepared])) as InspectionMeasurement;
  if (measurement.opinion !== 'Approved') throw new Error(`${format.name}: ${measurement.opinion}: ${measurement.reason}`);
  return measurement;
}

async function script(name: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['--expose-gc', path.join(import.meta.dirname, name), ...args], { maxBuffer: mebibyte });
  return stdout;
}

/** Undefined where the program is not on this machine. */
async function measurePeer({ peer }: InspectedFormat, file: string): Promise<number | undefined> {
  if (peer === undefined) return undefined;
  const start = performance.now();
  try {
    await run(peer.command, peer.args.map((argument) => argument.replace('{file}', file)), { maxBuffer: 1024 * mebibyte, encoding: 'buffer' });
    return performance.now() - start;
  } catch (error) {
    process.stderr.write(`${peer.command}: ${errorMessage(error).slice(0, 200)}\n`);
    return undefined;
  }
}
