import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import { errnoOf } from '../errors/system-error.js';

/**
 * A file that another program has written below `root`, without following a link of it, and without waiting for what is no file. Undefined when there is none.
 * `limit`: bytes. Errors: `source-invalid`.
 */
export async function readTreeFile(root: string, name: string, limit: number): Promise<Buffer | undefined> {
  const file = path.join(await realpath(root), name);
  try {
    if ((await realpath(path.dirname(file))) !== path.dirname(file)) throw new MillraceError('source-invalid', `${name} is below a symbolic link`);
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const status = await handle.stat();
      if (!status.isFile()) throw new MillraceError('source-invalid', `${name} is no file`);
      if (status.size > limit) throw new MillraceError('source-invalid', `${name} has ${status.size} bytes; ${limit} are the most that are read`);
      const bytes = Buffer.alloc(status.size);
      let length = 0;
      for (let read = 1; read > 0 && length < bytes.length; length += read) ({ bytesRead: read } = await handle.read(bytes, length, bytes.length - length, length));
      return bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    if (['ELOOP', 'ENXIO'].includes(code)) throw new MillraceError('source-invalid', `${name} is no file`, { cause: error });
    throw error;
  }
}

/** The end of a text file, for people; empty when there is none. */
export async function readTail(root: string, name: string, bytes: number): Promise<string> {
  const handle = await open(path.join(root, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const status = await handle.stat();
    if (!status.isFile()) return '';
    const buffer = Buffer.alloc(Math.min(bytes, status.size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, status.size - buffer.length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}
