import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';

/** Gives what a parser refuses the code of a source that is no good, and says where it was. */
export async function asSourceInvalid<Result>(where: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toSourceInvalid(where, error);
  }
}

export function toSourceInvalid(where: string, error: unknown): unknown {
  if (!isMillraceError(error) || !['invalid-request', 'payload-too-large', 'source-invalid'].includes(error.code)) return error;
  return new MillraceError('source-invalid', `${where}: ${error.message}`, { cause: error, ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }) });
}
