import type { LoggerService } from '@nestjs/common';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { Settings } from '../../libs/settings/settings.js';

/** JSON lines on stdout. Nothing that is logged holds a body or a header; the redaction is a second line of defence. */
export function createGatewayLogger(settings: Pick<Settings, 'logLevel'>, destination?: DestinationStream): Logger {
  const options = {
    base: { process: 'gateway', pid: process.pid },
    level: settings.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['token', 'secrets', 'headers', 'authorization', '*.token', '*.secrets', '*.headers', '*.authorization'],
    serializers: { err: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Only named members: errors of drivers carry the query and its parameters. */
function describeError(error: unknown, depth = 0): unknown {
  if (typeof error !== 'object' || error === null) return String(error);
  const { name, code, message, stack, cause } = error as { name?: string; code?: unknown; message?: string; stack?: string; cause?: unknown };
  return { name, code, message, ...(depth === 0 ? { stack } : {}), ...(cause === undefined || depth > 4 ? {} : { cause: describeError(cause, depth + 1) }) };
}

/** Nest's own lines, of which only warnings and errors are worth having. */
export function nestLogger(log: Logger): LoggerService {
  return {
    log: (message: unknown) => log.debug(String(message)),
    debug: (message: unknown) => log.debug(String(message)),
    verbose: (message: unknown) => log.debug(String(message)),
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown) => log.error(String(message)),
    fatal: (message: unknown) => log.fatal(String(message)),
  };
}
