import { mkdirSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { errorMessage } from '../libs/errors/error-message.js';
import { MillraceError } from '../libs/errors/millrace-error.js';
import { readBenchOptions, readCacheOptions, readComposeOptions, readInspectionOptions, readPublishersOptions, readRepositoriesOptions, readRepositoryOptions } from './bench-options.js';
import type { BenchOptions } from './bench-options.js';
import { benchCache } from './cache/bench-cache.js';
import { benchInspection } from './inspection/bench-inspection.js';
import { benchComposes } from './composes/bench-composes.js';
import { findHey } from './load/find-hey.js';
import { runRounds } from './measure/run-rounds.js';
import { startOrigin } from './origin/start-origin.js';
import { formatResults } from './print-results.js';
import type { Results } from './print-results.js';
import type { MeasuredProxy } from './proxies/measured-proxy.js';
import { startProxies } from './proxies/start-proxies.js';
import { benchPublishers } from './repositories/bench-publishers.js';
import { benchRepositories } from './repositories/bench-repositories.js';
import { benchRepository } from './repository/bench-repository.js';

/** `npm run bench`: see docs/reference/benchmarks.md. */
async function bench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  chmodSync(folder, 0o711); // squid works as a user of its own
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
  const running: MeasuredProxy[] = [];
  const stops: (() => Promise<void>)[] = [];
  try {
    const hey = await findHey(onProgress, signal);
    const origin = await startOrigin(makeFolder(folder, 'origin'), signal);
    stops.push(() => origin.stop());
    const absent = await startProxies({
      options,
      folder,
      origin,
      signal,
      onProgress,
      onStarted: (proxy) => {
        running.push(proxy);
        stops.push(() => proxy.stop());
      },
    });
    const measurements = await runRounds({ options, proxies: running, hey, origin: origin.address, signal, onProgress });
    const results: Results = { machine: describeMachine(), origin: origin.kind, seconds: options.seconds, rounds: options.rounds, measurements, absent };
    process.stdout.write(`${formatResults(results, running)}\n`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...results, proxies: running.map(({ name, title }) => ({ name, title })) }, undefined, 2)}\n`);
  } finally {
    await Promise.allSettled(stops.reverse().map((stop) => stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFolder(parent: string, name: string): string {
  const folder = path.join(parent, name);
  mkdirSync(folder);
  return folder;
}

function describeMachine(): string {
  const processors = os.cpus();
  const load = os.loadavg()[0] ?? 0;
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}, Node ${process.version}, load average at the end ${load.toFixed(1)}`;
}

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort(new MillraceError('internal', `ended by ${name}`)));
try {
  const args = process.argv.slice(2);
  if (args[0] === 'inspect') await benchInspection(readInspectionOptions(args.slice(1)));
  else if (args[0] === 'repository') await benchRepository(readRepositoryOptions(args.slice(1)));
  else if (args[0] === 'repositories') await benchRepositories(readRepositoriesOptions(args.slice(1)));
  else if (args[0] === 'publishers') await benchPublishers(readPublishersOptions(args.slice(1)), interruption.signal);
  else if (args[0] === 'composes') await benchComposes(readComposeOptions(args.slice(1)), interruption.signal);
  else if (args[0] === 'cache') await benchCache(readCacheOptions(args.slice(1)), interruption.signal);
  else await bench(readBenchOptions(args), interruption.signal);
} catch (error) {
  process.stderr.write(`error: ${errorMessage(error)}\n`);
  process.exitCode = 1;
}
// The supervisor's IPC channel to the wrapper must not keep a finished benchmark alive.
process.disconnect?.();
