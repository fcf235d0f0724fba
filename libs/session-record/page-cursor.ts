import { MillraceError } from '../errors/millrace-error.js';

/** Cursors are opaque to clients: base64url of a JSON list. */
export function encodeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');
}

/** Errors: `invalid-request`. */
export function decodeCursor(cursor: string, length: number): readonly string[] {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    values = undefined;
  }
  if (!Array.isArray(values) || values.length !== length || !values.every((value): value is string => typeof value === 'string')) {
    throw new MillraceError('invalid-request', 'not a cursor of this list');
  }
  return values;
}
