import { constants } from 'node:fs';
import { copyFile, open, readlink, realpath, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { DownloadOptions } from './download.js';
import { errnoOf, isMissing } from '../errors/system-error.js';

export type ReadLocalFile = (file: string, options: DownloadOptions) => AsyncGenerator<Buffer, void>;

const chunkSize = 256 * 1024;

/**
 * Reads files below the given absolute paths, symbolic links followed and then checked again on the open file, so that no exchange of a link in between leads out.
 * Errors: `forbidden` (elsewhere), `source-invalid` (none, no plain file), `source-changed` (not as long as declared).
 */
export function createLocalReader(sourcePaths: readonly string[]): ReadLocalFile {
  return async function* (file, options) {
    const handle = await openBelow(sourcePaths, file);
    try {
      const { size } = await handle.stat();
      checkLength(file, size, options);
      let received = 0;
      for (;;) {
        options.signal.throwIfAborted();
        const buffer = Buffer.allocUnsafe(chunkSize);
        const { bytesRead } = await handle.read(buffer, 0, chunkSize, received);
        if (bytesRead === 0) break;
        options.onProgress?.();
        received += bytesRead;
        checkLimit(file, received, options);
        yield buffer.subarray(0, bytesRead);
      }
      checkLength(file, received, options);
    } catch (error) {
      if (errnoOf(error) === 'EIO') throw new MillraceError('source-unavailable', `cannot read ${file}: ${errorMessage(error)}`, { cause: error });
      throw error;
    } finally {
      await handle.close();
    }
  };
}

export type CloneLocalFile = (file: string, target: string) => Promise<boolean>;

/** What says that these two places share no blocks, or that the file system can share none. */
const noClone: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EPERM']);

/** Makes `target`, which must not be there, of the blocks of a file below the given paths; whoever writes to one of them later has blocks of his own. False: that cannot be. Errors: as of reading. */
export function createLocalCloner(sourcePaths: readonly string[]): CloneLocalFile {
  return async (file, target) => {
    const handle = await openBelow(sourcePaths, file);
    try {
      await copyFile(`/proc/self/fd/${handle.fd}`, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      return true;
    } catch (error) {
      if (!noClone.has(errnoOf(error) ?? '')) throw error;
      await rm(target, { force: true });
      return false;
    } finally {
      await handle.close();
    }
  };
}

async function openBelow(sourcePaths: readonly string[], file: string): Promise<FileHandle> {
  if (sourcePaths.length === 0) throw new MillraceError('forbidden', `this service reads no repositories from paths, as ${file}: MILLRACE_COMPOSE_SOURCE_PATHS is not set`, { suggestion: 'Name the places that it may read in MILLRACE_COMPOSE_SOURCE_PATHS.' });
  const roots = await Promise.all(sourcePaths.map((root) => realpath(root).catch(() => path.resolve(root))));
  // Before anything is opened, so that nobody learns what exists elsewhere.
  if (![...roots, ...sourcePaths].some((root) => isBelow(root, file))) throw outside(file);
  let handle: FileHandle;
  try {
    const real = await realpath(file);
    if (!roots.some((root) => isBelow(root, real))) throw outside(file);
    // A named pipe would block for ever.
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') throw new MillraceError('source-invalid', `${file} does not exist`, { cause: { missing: true } });
    if (errnoOf(error) === 'EACCES') throw new MillraceError('source-invalid', `${file}: this service has no permission to read it`, { cause: error });
    if (errnoOf(error) === 'ELOOP' || errnoOf(error) === 'ENXIO') throw new MillraceError('source-invalid', `${file} is no plain file`, { cause: error });
    throw error;
  }
  try {
    const opened = await readlink(`/proc/self/fd/${handle.fd}`);
    if (!roots.some((root) => isBelow(root, opened.replace(/ \(deleted\)$/, '')))) throw outside(file);
    if (!(await handle.stat()).isFile()) throw new MillraceError('source-invalid', `${file} is no plain file`);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function isBelow(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && relative !== '..' && !relative.startsWith('../') && !path.isAbsolute(relative);
}

function outside(file: string): MillraceError {
  return new MillraceError('forbidden', `${file} is not below a path that this service may read repositories from: MILLRACE_COMPOSE_SOURCE_PATHS names them`, { suggestion: 'Name its place in MILLRACE_COMPOSE_SOURCE_PATHS.' });
}

function checkLength(file: string, found: number, options: DownloadOptions): void {
  if (options.size !== undefined && found !== options.size) throw new MillraceError('source-changed', `${file} has ${found} bytes instead of the ${options.size} that the metadata declare: it was changed`);
  checkLimit(file, found, options);
}

function checkLimit(file: string, found: number, { limit }: DownloadOptions): void {
  if (found > limit) throw new MillraceError('source-invalid', `${file} has more than ${limit} bytes, the most that is accepted`);
}
