import { MillraceError } from '../errors/millrace-error.js';
import type { GetOptions } from './object-store.js';

export interface ByteRange {
  /** First byte, counted from 0. */
  readonly start: number;
  /** Last byte, included; before `start` in an empty object that is read whole. */
  readonly end: number;
}

/** Which bytes of an object a request means. Errors: `invalid-request`. */
export function rangeOf(key: string, size: number, range: GetOptions['range']): ByteRange {
  if (range === undefined) return { start: 0, end: size - 1 };
  assertRange(key, range);
  if (range.start >= size) throw new MillraceError('invalid-request', `${key} has ${size} bytes: none at ${range.start}`);
  return { start: range.start, end: Math.min(range.end ?? size - 1, size - 1) };
}

export function assertRange(key: string, { start, end }: NonNullable<GetOptions['range']>): void {
  const whole = Number.isSafeInteger(start) && start >= 0 && (end === undefined || (Number.isSafeInteger(end) && end >= start));
  if (!whole) throw new MillraceError('invalid-request', `no range of bytes of ${key}: ${start} to ${end ?? 'the last'}`);
}
