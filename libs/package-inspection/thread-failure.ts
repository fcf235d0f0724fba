import { asMillraceError } from '../compose-engine/thread-failure.js';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ThreadFailure } from './thread-task.js';

export function asThreadFailure(error: unknown): ThreadFailure {
  if (isMillraceError(error)) return { code: error.code, name: error.name, message: error.message, suggestion: error.suggestion, details: error.details };
  return error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };
}

export function ofThreadFailure({ code, name, message, suggestion, details }: ThreadFailure): Error {
  if (code === undefined) return Object.assign(new Error(message), { name });
  return asMillraceError({ code, message, suggestion, details });
}
