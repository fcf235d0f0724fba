import { MillraceError } from '../errors/millrace-error.js';

/** Ids go into URLs, paths, stream and workflow ids: nothing but these. New ids are 32 lower-case hex digits. */
const sessionIdPattern = /^[a-z0-9]{1,64}$/;

export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && sessionIdPattern.test(value);
}

/** Errors: `invalid-request`. */
export function assertSessionId(value: unknown): asserts value is string {
  if (!isSessionId(value)) throw new MillraceError('invalid-request', 'a session id is 1 to 64 characters of a-z and 0-9');
}
