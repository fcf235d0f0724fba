import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import type { ListedPackage } from '../../libs/repository/listed-package.js';
import { sampleText } from '../inspection/inspected-format.js';
import { usageOf } from '../measure/process-usage.js';
import { spreadOf } from '../measure/spread.js';
import { makePackages, writePackage, type MadePackage } from '../repository/make-packages.js';
import type { PublishMeasurement } from './measure-publish.js';

export interface RepositoriesBenchOptions {
  readonly rounds: number;
  /** How many packages, each measured apart. */
  readonly packages: readonly number[];
  /** Bytes of each payload. */
  readonly payload: number;
}

interface Round {
  readonly own: PublishMeasurement;
  readonly peer: { readonly milliseconds: number; readonly cpu: number | undefined; readonly memory: number };
}

const run = promisify(execFile);

/** `npm run bench -- repositories`: one package into a repository of rpm-md that is there, beside `createrepo_c --update`, in turns. */
export async function benchRepositories(options: RepositoriesBenchOptions): Promise<void> {
  const { stdout: version } = await run('createrepo_c', ['--version']);
  const heading = ['packages', 'millrace ms (least to most)', 'of it writing', 'createrepo_c ms (least to most)', 'millrace CPU ms', 'createrepo_c CPU ms', 'millrace MB', 'createrepo_c MB', 'uploaded MB', 'asked of'];
  const table = new Table({ head: heading, style: { head: [], border: [], compact: true }, colAligns: heading.map(() => 'right' as const) });
  for (const count of options.packages) table.push(toRow(count, await measureCount(count, options)));
  const [processor] = os.cpus();
  process.stdout.write(
    [
      `${os.cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}, Node ${process.version}, createrepo_c ${version.trim()}; ${options.rounds} rounds in turns; medians; payloads of ${options.payload} bytes; load average at the end ${(os.loadavg()[0] ?? 0).toFixed(1)}`,
      table.toString(),
      'one package into so many, gzip: inspected by ranges, index written out of what is known, both brought into a directory; each time a new process that has written another repository before, its start not counted',
      'createrepo_c --update --no-database: its start is counted; it reads the old metadata and looks at all files, and puts nothing anywhere else',
      'MB: the most resident at a time; asked of: packages of which what is known was loaded; CPU: of all threads',
      '',
    ].join('\n\n'),
  );
}

async function measureCount(count: number, { rounds, payload }: RepositoriesBenchOptions): Promise<readonly Round[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  const directory = path.join(folder, 'packages');
  try {
    process.stderr.write(`making ${count} packages\n`);
    let made = makePackages(directory, { count, payloadBytes: payload });
    process.stderr.write(`${count} packages: the repository before\n`);
    await measureOwn(folder, directory, made);
    // Its own metadata would be the same, and take minutes.
    cpSync(path.join(folder, 'store', 'repodata'), path.join(directory, 'repodata'), { recursive: true });
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      process.stderr.write(`${count} packages, round ${round}\n`);
      const added = writePackage(directory, { index: count + round, payload: sampleText(payload), release: 1 });
      made = [...made, added].sort((one, other) => (one.href < other.href ? -1 : 1));
      const own = await measureOwn(folder, directory, made, added.href);
      process.stderr.write(`millrace ${own.milliseconds.toFixed(0)} ms, CPU ${own.cpu.toFixed(0)} ms\n`);
      measured.push({ own, peer: await measurePeer(directory) });
    }
    return measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const createrepo = (directory: string): readonly string[] => ['--quiet', '--no-database', '--compress-type=gz', '--update', directory];

async function measureOwn(folder: string, directory: string, made: readonly MadePackage[], added = ''): Promise<PublishMeasurement> {
  const list = path.join(folder, 'list.json');
  writeFileSync(list, JSON.stringify(made.map((each) => toListed(directory, each))));
  const { stdout } = await run(process.execPath, [path.join(import.meta.dirname, 'measure-publish.js'), directory, list, path.join(folder, 'cache'), path.join(folder, 'store'), added]);
  return JSON.parse(stdout) as PublishMeasurement;
}

function toListed(directory: string, { sha256, href }: MadePackage): ListedPackage {
  const [key, { size, mtime }] = [path.basename(href), statSync(path.join(directory, href))];
  // Where it is, so that both writers find it; a published one would be at the place of its name.
  return { key, sha256, size, path: href, name: key, version: '1.0-1', architecture: 'noarch', component: '', addedAt: mtime.toISOString() };
}

async function measurePeer(directory: string): Promise<Round['peer']> {
  const [start, own, before] = [performance.now(), process.cpuUsage(), usageOf([process.pid])?.cpu];
  const running = run('createrepo_c', createrepo(directory));
  let memory = 0;
  const looking = setInterval(() => (memory = Math.max(memory, mostResident(running.child.pid))), 50);
  await running.finally(() => clearInterval(looking));
  const [milliseconds, after, { user, system }] = [performance.now() - start, usageOf([process.pid])?.cpu, process.cpuUsage(own)];
  // What this process used itself meanwhile is not createrepo_c's.
  return { milliseconds, cpu: before === undefined || after === undefined ? undefined : after - before - (user + system) / 1000, memory };
}

/** Bytes so far; 0 where it has ended, or is not told. Of that one process: looking through all of them would slow down what is measured. */
function mostResident(pid = 0): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function toRow(count: number, measured: readonly Round[]): string[] {
  const spread = (read: (round: Round) => number | undefined): string => {
    const found = spreadOf(measured.map(read));
    return found === undefined ? '-' : `${found.median.toFixed(0)} (${found.least.toFixed(0)} to ${found.most.toFixed(0)})`;
  };
  const median = (read: (round: Round) => number | undefined, digits = 0): string => spreadOf(measured.map(read))?.median.toFixed(digits) ?? '-';
  return [
    count.toLocaleString('en-US'),
    spread(({ own }) => own.milliseconds),
    median(({ own }) => own.writing),
    spread(({ peer }) => peer.milliseconds),
    median(({ own }) => own.cpu),
    median(({ peer }) => peer.cpu),
    median(({ own }) => own.memory / 1e6),
    median(({ peer }) => peer.memory / 1e6),
    median(({ own }) => own.uploaded / 1e6, 1),
    median(({ own }) => own.asked),
  ];
}
