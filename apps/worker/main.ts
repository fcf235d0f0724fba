import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { readSettings } from '../../libs/settings/settings.js';
import { startWorker } from './start-worker.js';
import type { Logger } from 'pino';

/** Milliseconds; a drain that hangs must not hold up whoever stops the service. */
const hardStop = 8000;

async function main(log: Logger): Promise<void> {
  const settings = readSettings(process.env);
  log.level = settings.logLevel;
  // The SDK's own handlers would exit in the middle of the drain of the outbox.
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => log[level === 'ERROR' ? 'error' : 'warn']({ sdk: meta }, message)),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } },
  });
  const worker = startWorker({ settings, log, environment: process.env });
  void worker.polling.then(() => process.send?.({ type: 'ready' }));
  const stop = (reason: string): void => {
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.error('the drain took too long');
      process.exit(1);
    }, hardStop).unref();
    void worker.stop().catch(() => undefined);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  process.once('disconnect', () => stop('the parent process is gone'));
  await worker.ended;
}

const log = pino({ name: 'worker', level: 'info' });
try {
  await main(log);
  log.info('stopped');
  process.exit(0);
} catch (error) {
  log.error({ err: error }, 'the worker cannot go on');
  process.exit(isMillraceError(error) ? errorTable[error.code].exit : errorTable.internal.exit);
}
