import { isMillraceError, MillraceError } from '../errors/millrace-error.js';

const socketCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT']);
/** Shut down, crashed, starting, too many connections; class 08 is "connection exception". */
const serverCodes = /^(57P0[0-5]|53300|08...|25P0[34])$/;
/** pg gives these no code. */
const driverMessages = /Connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable|Query read timeout|driver has already been destroyed|Cannot use a pool after/i;

interface ErrorShape {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

function chain(error: unknown, depth = 0): ErrorShape[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const shape = error as ErrorShape;
  const inner = Array.isArray(shape.errors) ? shape.errors.flatMap((item: unknown) => chain(item, depth + 1)) : [];
  return [shape, ...chain(shape.cause, depth + 1), ...inner];
}

/** SQLSTATE of an error, or a system error's code; undefined when it has none. */
export function databaseErrorCode(error: unknown): string | undefined {
  return chain(error).map((item) => item.code).find((code): code is string => typeof code === 'string');
}

/** True when the database could not be reached or went away: the outcome of the statement is unknown. */
export function isConnectionError(error: unknown): boolean {
  return chain(error).some(
    (item) =>
      (typeof item.code === 'string' && (socketCodes.has(item.code) || serverCodes.test(item.code) || item.code === 'database-unavailable')) ||
      (typeof item.message === 'string' && driverMessages.test(item.message)),
  );
}

/** The order of locks makes deadlocks unlikely, not impossible (a maintenance statement); both of these are safe to repeat. */
export function isTransientConflict(error: unknown): boolean {
  const code = databaseErrorCode(error);
  return code === '40P01' || code === '40001';
}

export function isUniqueViolation(error: unknown): boolean {
  return databaseErrorCode(error) === '23505';
}

/** `database-unavailable` for a lost connection; every other error as it is. */
export function asMillraceError(error: unknown): unknown {
  if (isMillraceError(error)) return error;
  if (isConnectionError(error)) {
    return new MillraceError('database-unavailable', 'PostgreSQL cannot be reached', { cause: error, suggestion: 'Check that the server runs and that MILLRACE_DATABASE_URL names it.' });
  }
  return error;
}
