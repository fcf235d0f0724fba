import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError, isMillraceError } from '../../libs/errors/millrace-error.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';

/** `npm start`: the whole service in the foreground until Ctrl-C or SIGTERM. */
async function main(): Promise<number> {
  const stopRequest = Promise.withResolvers<void>();
  const starting = new AbortController();
  const requestStop = (): void => {
    starting.abort(new MillraceError('start-failed', 'stopped before it was up'));
    stopRequest.resolve();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, requestStop);
  if (process.channel !== undefined && process.channel !== null) {
    process.on('disconnect', requestStop); // the wrapper was killed
    process.channel.unref();
  }
  const say = (message: string): void => void process.stderr.write(`${message}\n`);
  const server = await startServer({ environment: { ...process.env, MILLRACE_PERMISSIVE: process.env['MILLRACE_PERMISSIVE'] ?? '1' }, temporal: embeddedTemporal, onProgress: say, signal: starting.signal });
  say(`Millrace is ready (home ${server.home}; Ctrl-C stops it)`);
  process.stdout.write(`${JSON.stringify(server.addresses)}\n`);
  const failure = await Promise.race([stopRequest.promise, server.failed]);
  say(failure === undefined ? 'stopping' : `error: ${failure.message}`);
  await server.stop();
  return failure === undefined ? 0 : errorTable[failure.code].exit;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${errorMessage(error)}\n`);
  if (isMillraceError(error) && error.suggestion !== undefined) process.stderr.write(`${error.suggestion}\n`);
  process.exitCode = isMillraceError(error) ? errorTable[error.code].exit : 1;
}
