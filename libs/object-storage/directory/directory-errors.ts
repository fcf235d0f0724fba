import { errorMessage } from '../../errors/error-message.js';
import { MillraceError, isMillraceError, type ErrorCode } from '../../errors/millrace-error.js';
import { errnoOf } from '../../errors/system-error.js';

const codes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['storage-full', 'Free space on its file system.'],
  EDQUOT: ['storage-full', 'Raise the quota, or free space.'],
  EFBIG: ['storage-full', 'Raise the largest size that a file may have there.'],
  EACCES: ['storage-refused', 'Give the user of this process the right to read and write there.'],
  EPERM: ['storage-refused', 'Give the user of this process the right to read and write there.'],
  EROFS: ['storage-refused', 'Mount the file system for writing.'],
  ENAMETOOLONG: ['invalid-request', 'Choose a shorter name, or a root with a shorter path.'],
  ENOTDIR: ['invalid-request', 'In a directory one object cannot lie below another one.'],
  EISDIR: ['invalid-request', 'In a directory an object cannot have the name of a folder.'],
  ENOTEMPTY: ['invalid-request', 'In a directory an object cannot have the name of a folder.'],
};

/** What the file system says, as our own error; whatever it has no word for may work later. */
export function asDirectoryError(error: unknown, what: string): unknown {
  const errno = errnoOf(error);
  if (isMillraceError(error) || errno === undefined || errno === 'ABORT_ERR') return error;
  const [code, suggestion] = codes[errno] ?? ['storage-unavailable', 'Look at the file system.'];
  return new MillraceError(code, `the directory did not take ${what}: ${errorMessage(error)}`, { cause: error, suggestion });
}
