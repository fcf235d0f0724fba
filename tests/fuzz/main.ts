import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { findTargets, runTarget, tryInput } from './run-target.js';

/**
 * `npm run fuzz -- [--seconds N] [--seed N] [--input FILE] [target…]`: each target in a thread of its own, one after the other. A thread
 * that is silent for 20 s is a finding as well. What was found lies in fuzz-findings/ and can be given back with --input.
 */
const silenceLimit = 20_000;
const usage = 'usage: npm run fuzz -- [--seconds N] [--seed N] [--input FILE] [target…]';

interface Job {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  readonly input: string | undefined;
}

type Report = { readonly kind: 'input'; readonly input: Uint8Array } | { readonly kind: 'end'; readonly inputs: number; readonly input?: Uint8Array; readonly message?: string };

const built = path.join(projectRoot(), 'dist');

async function work(job: Job): Promise<void> {
  const target = (await findTargets(built)).find(({ name }) => name === job.target);
  if (target === undefined) throw new Error(`there is no target ${job.target}`);
  const tell = (report: Report): void => parentPort?.postMessage(report);
  if (job.input !== undefined) {
    const input = readFileSync(job.input);
    tell({ kind: 'input', input });
    const message = await tryInput(target, input);
    tell({ kind: 'end', inputs: 1, ...(message === undefined ? {} : { input, message }) });
    return;
  }
  const end = performance.now() + job.seconds * 1000;
  const { inputs, finding } = await runTarget(target, { seed: job.seed, goOn: () => performance.now() < end, onInput: (input) => tell({ kind: 'input', input }) });
  tell({ kind: 'end', inputs, ...finding });
}

interface Outcome {
  readonly inputs: number;
  readonly message: string | undefined;
  readonly input: Uint8Array | undefined;
}

function runInThread(job: Job): Promise<Outcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: job, resourceLimits: { maxOldGenerationSizeMb: 1024 } });
    let last: Uint8Array | undefined;
    let silence: NodeJS.Timeout | undefined;
    const end = (outcome: Outcome): void => {
      clearTimeout(silence);
      resolve(outcome);
      void worker.terminate();
    };
    const watch = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => end({ inputs: 0, message: `no answer for ${silenceLimit / 1000} s`, input: last }), silenceLimit);
    };
    worker.on('message', (report: Report) => {
      watch();
      if (report.kind === 'input') last = report.input;
      else end({ inputs: report.inputs, message: report.message, input: report.input });
    });
    worker.on('error', (error) => end({ inputs: 0, message: `the thread died: ${error instanceof Error ? error.message : String(error)}`, input: last }));
    watch();
  });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' }, input: { type: 'string' } },
  });
  const seconds = Number(values.seconds);
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
  if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error(usage);
  const names = (await findTargets(built)).map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`unknown target ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  let findings = 0;
  for (const target of positionals.length > 0 ? positionals : names) {
    const { inputs, message, input } = await runInThread({ target, seconds, seed, input: values.input });
    if (message === undefined) {
      process.stdout.write(`${target}: ${inputs} inputs, nothing found (seed ${seed})\n`);
      continue;
    }
    findings += 1;
    process.stdout.write(`${target}: FOUND (seed ${seed}) ${message}\n  ${keep(target, input)}\n`);
  }
  return findings === 0 ? 0 : 1;
}

function keep(target: string, input: Uint8Array | undefined): string {
  if (input === undefined) return 'before any input';
  const file = path.join(projectRoot(), 'fuzz-findings', `${target}-${createHash('sha256').update(input).digest('hex').slice(0, 16)}`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, input);
  return `npm run fuzz -- ${target} --input ${file}`;
}

if (isMainThread) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`fuzz: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 64;
  }
} else {
  await work(workerData as Job);
}
