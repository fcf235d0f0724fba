import { MillraceError } from '../errors/millrace-error.js';

/** What a parser of hostile bytes throws: the message becomes the reason of a Rejected opinion, so it must make sense to a user. */
export function refusal(reason: string, cause?: unknown): MillraceError {
  return cause === undefined ? new MillraceError('invalid-request', reason) : new MillraceError('invalid-request', reason, { cause });
}

/** A limit was passed; a separate code because the file may be honest, only too large for us. */
export function limitExceeded(reason: string): MillraceError {
  return new MillraceError('payload-too-large', reason);
}
