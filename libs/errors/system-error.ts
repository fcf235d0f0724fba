import { MillraceError } from './millrace-error.js';

const noSpace: Readonly<Record<string, string>> = { ENOSPC: 'the file system is full', EDQUOT: 'the quota is used up', EFBIG: 'the file is larger than this process may write' };

/** The code of a system error; undefined for anything else. Works across realms. */
export function errnoOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/** `storage-full` where space has run out; every other error as it is. */
export function asStorageError(error: unknown, place: string): unknown {
  const reason = noSpace[errnoOf(error) ?? ''];
  if (reason === undefined) return error;
  return new MillraceError('storage-full', `cannot write to ${place}: ${reason}`, { cause: error, suggestion: 'Free space there, or shorten the life of composes; then ask again.' });
}
