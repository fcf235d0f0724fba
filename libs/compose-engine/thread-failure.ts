import { MillraceError } from '../errors/millrace-error.js';
import type { ThreadFailure } from './generation-task.js';

export function asThreadFailure({ code, message, suggestion, details }: MillraceError): ThreadFailure {
  return { code, message, suggestion, details };
}

export function asMillraceError({ code, message, suggestion, details }: ThreadFailure): MillraceError {
  return new MillraceError(code, message, { ...(suggestion === undefined ? {} : { suggestion }), ...(details === undefined ? {} : { details }) });
}
