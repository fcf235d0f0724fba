import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { demandPort } from '../../libs/embedded/free-port.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { daemonEnvironment, spoolDirectory } from './daemon-environment.js';
import { DaemonLog } from './daemon-log.js';
import type { DaemonOptions } from './daemon-options.js';
import { parseDaemonOptions } from './daemon-options.js';

const badStart = 1;
const serviceError = 2;

/** Exit codes as fetch-service documents them: 0, 1 bad options or start, 2 the service failed, 128 + signal. */
async function main(): Promise<number> {
  let log: DaemonLog | undefined;
  // First of all: without a listener of ours Node would start its debugger.
  process.on('SIGUSR1', () => log?.reopen());
  let options: DaemonOptions;
  try {
    options = parseDaemonOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`ERROR: ${messageOf(error)}\n`);
    return badStart;
  }
  if (options.version) {
    const { version } = JSON.parse(readFileSync(path.join(projectRoot(), 'package.json'), 'utf8')) as { version: string };
    process.stdout.write(`fetch-service (Millrace ${version})\n`);
    return 0;
  }
  const stop = new AbortController();
  let launched = false;
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      stop.abort(name);
      if (!launched) process.exit(128 + os.constants.signals[name]);
    });
  }
  try {
    log = new DaemonLog(path.resolve(options.logFile ?? path.join(spoolDirectory(options), 'fetch-service.log')));
  } catch (error) {
    process.stderr.write(`ERROR: ${messageOf(error)}\n`);
    return badStart;
  }
  log.write('Starting service...');
  for (const name of ['acl.yaml', 'inspectors.yaml']) {
    if (options.config !== undefined && existsSync(path.join(options.config, name))) log.write(`WARNING: ${path.join(options.config, name)} is not read; Millrace has settings of its own for it`);
  }
  let started = false;
  try {
    const environment = daemonEnvironment(options, process.env);
    // Before the slow imports: clients look half a second after the start whether the daemon has ended with this error.
    for (const port of [options.controlPort, options.proxyPort]) if (port !== 0) await demandPort(environment['MILLRACE_HOST'] ?? 'localhost', port, port === options.proxyPort ? 'proxy' : 'control API');
    const { runDaemon } = await import('./run-daemon.js');
    launched = true;
    await runDaemon({ environment, idleShutdown: options.idleShutdown, log, signal: stop.signal, onStarted: () => (started = true) });
    log.write('Service stopped');
  } catch (error) {
    if (!stop.signal.aborted) {
      log.error(messageOf(error));
      return started ? serviceError : badStart;
    }
  }
  return stop.signal.aborted ? 128 + os.constants.signals[stop.signal.reason as NodeJS.Signals] : 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// Not `exitCode`: whatever is still open, the daemon's clients give it one second.
process.exit(await main());
