import { MillraceError, type ErrorCode } from '../errors/millrace-error.js';

/** PostgreSQL keeps no NUL and no lone surrogates, and its indexes no long keys. Errors: `code`. */
export function checkText(text: string, what: string, { code, bytes }: { readonly code: ErrorCode; readonly bytes: number }): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new MillraceError(code, `${what} has NUL or lone surrogates in it`);
  if (Buffer.byteLength(text) > bytes) throw new MillraceError(code, `${what} is longer than ${bytes} bytes: ${JSON.stringify(text.slice(0, 80))}…`);
}

export function checkRequester(by: string): void {
  checkText(by, 'the name of whoever asks', { code: 'invalid-request', bytes: 2000 });
}
