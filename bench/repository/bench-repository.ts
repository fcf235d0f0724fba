import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { sampleText } from '../inspection/inspected-format.js';
import { usageOf } from '../measure/process-usage.js';
import { spreadOf } from '../measure/spread.js';
import { makePackages, writePackage, type MadePackage } from './make-packages.js';
import type { RepositoryMeasurement } from './measure-repository.js';

export interface RepositoryBenchOptions {
  readonly rounds: number;
  /** How many packages, each measured apart. */
  readonly packages: readonly number[];
  /** Bytes of each payload. */
  readonly payload: number;
}

const cases = ['cold', 'warm', 'one changed'] as const;
type Case = (typeof cases)[number];

interface Measured {
  readonly writer: 'millrace' | 'createrepo_c';
  readonly case: Case;
  readonly milliseconds: number;
  readonly cpu: number | undefined;
}

const run = promisify(execFile);

/** `npm run bench -- repository`: writing a repository's metadata, beside createrepo_c, in turns: with nothing in caches, with nothing changed, with one package changed. */
export async function benchRepository(options: RepositoryBenchOptions): Promise<void> {
  const heading = ['', 'millrace ms (least to most)', 'createrepo_c ms (least to most)', 'times', 'millrace CPU ms', 'createrepo_c CPU ms'];
  const { stdout: version } = await run('createrepo_c', ['--version']);
  const parts = [describeMachine(options, version.trim())];
  for (const count of options.packages) {
    const measured = await measureCount(count, options);
    const table = new Table({ head: heading, style: { head: [], border: [], compact: true }, colAligns: ['left', ...heading.slice(1).map(() => 'right' as const)] });
    table.push(...cases.map((each) => toRow(each, measured)));
    parts.push(`${count.toLocaleString('en-US')} packages\n${table.toString()}`);
  }
  parts.push(
    [
      'millrace: from a content store, which has the digests of packages; each time a new process that has written another repository before, its start not counted',
      'createrepo_c --no-database, warm and changed with --update: reads and digests package files, payload included; its start is counted',
      'CPU: of all threads',
    ].join('\n'),
  );
  process.stdout.write(`${parts.join('\n\n')}\n`);
}

function describeMachine({ rounds, payload }: RepositoryBenchOptions, version: string): string {
  const [processor] = os.cpus();
  return `${os.cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}, Node ${process.version}, createrepo_c ${version}; ${rounds} rounds in turns; medians; payloads of ${payload} bytes; load average at the end ${(os.loadavg()[0] ?? 0).toFixed(1)}`;
}

async function measureCount(count: number, { rounds, payload }: RepositoryBenchOptions): Promise<readonly Measured[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  const directory = path.join(folder, 'packages');
  try {
    process.stderr.write(`making ${count} packages\n`);
    let made = makePackages(directory, { count, payloadBytes: payload });
    const measured: Measured[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      process.stderr.write(`${count} packages, round ${round}\n`);
      rmSync(path.join(folder, 'cache'), { recursive: true, force: true });
      rmSync(path.join(directory, 'repodata'), { recursive: true, force: true });
      for (const each of cases) {
        if (each === 'one changed') made = changeOne(directory, made, { release: round + 1, payload });
        measured.push({ writer: 'millrace', case: each, ...(await measureOwn(folder, directory, made)) });
        measured.push({ writer: 'createrepo_c', case: each, ...(await measurePeer(directory, each)) });
      }
    }
    return measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The one in the middle. */
function changeOne(directory: string, made: readonly MadePackage[], { release, payload }: { readonly release: number; readonly payload: number }): readonly MadePackage[] {
  const place = Math.floor(made.length / 2);
  const index = (made[place] as MadePackage).index;
  return made.with(place, writePackage(directory, { index, payload: sampleText(payload), release }));
}

async function measureOwn(folder: string, directory: string, made: readonly MadePackage[]): Promise<Pick<Measured, 'milliseconds' | 'cpu'>> {
  const list = path.join(folder, 'list.json');
  writeFileSync(list, JSON.stringify(made.map(({ sha256, href }) => ({ sha256, href, fileTime: Math.floor(statSync(path.join(directory, href)).mtimeMs / 1000) }))));
  const { stdout } = await run(process.execPath, [path.join(import.meta.dirname, 'measure-repository.js'), directory, list, path.join(folder, 'cache'), path.join(folder, 'output')]);
  return JSON.parse(stdout) as RepositoryMeasurement;
}

async function measurePeer(directory: string, what: Case): Promise<Pick<Measured, 'milliseconds' | 'cpu'>> {
  const [start, own, before] = [performance.now(), process.cpuUsage(), usageOf([process.pid])?.cpu];
  await run('createrepo_c', ['--quiet', '--no-database', '--compress-type=gz', ...(what === 'cold' ? [] : ['--update']), directory]);
  const [milliseconds, after, { user, system }] = [performance.now() - start, usageOf([process.pid])?.cpu, process.cpuUsage(own)];
  // What this process used itself meanwhile is not createrepo_c's.
  return { milliseconds, cpu: before === undefined || after === undefined ? undefined : after - before - (user + system) / 1000 };
}

function toRow(each: Case, measured: readonly Measured[]): string[] {
  const of = (writer: Measured['writer']): readonly Measured[] => measured.filter((one) => one.writer === writer && one.case === each);
  const [own, peer] = [spreadOf(of('millrace').map(({ milliseconds }) => milliseconds)), spreadOf(of('createrepo_c').map(({ milliseconds }) => milliseconds))];
  const shown = (spread: typeof own): string => (spread === undefined ? '-' : `${spread.median.toFixed(0)} (${spread.least.toFixed(0)} to ${spread.most.toFixed(0)})`);
  const cpu = (writer: Measured['writer']): string => spreadOf(of(writer).map((one) => one.cpu))?.median.toFixed(0) ?? '-';
  return [each, shown(own), shown(peer), own === undefined || peer === undefined ? '-' : (peer.median / own.median).toFixed(1), cpu('millrace'), cpu('createrepo_c')];
}
