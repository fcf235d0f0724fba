import { MillraceError } from '../errors/millrace-error.js';

export function invalidOstree(what: string, options: { readonly cause?: unknown } = {}): MillraceError {
  return new MillraceError('source-invalid', `these bytes are not what OSTree writes: ${what}`, options);
}
