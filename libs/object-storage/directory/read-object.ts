import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { MillraceError } from '../../errors/millrace-error.js';
import { errnoOf, isMissing } from '../../errors/system-error.js';
import { rangeOf, type ByteRange } from '../byte-range.js';
import type { GetOptions, ObjectBody, ObjectHead } from '../object-store.js';

const chunkBytes = 256 * 1024;

/** Files are only ever replaced by others: one that was written is known by its inode, its size and when. */
export function describeFile(stats: BigIntStats): ObjectHead {
  // A hard link to a file, which a copy is, leaves the time of its bytes as it was and sets the one of its inode.
  const modified = stats.ctimeMs > stats.mtimeMs ? stats.ctimeMs : stats.mtimeMs;
  return { size: Number(stats.size), modified: Number(modified), etag: `${stats.ino.toString(36)}-${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}` };
}

/** Undefined when no object is there. */
export async function readObject(key: string, file: string, options: GetOptions): Promise<ObjectBody | undefined> {
  const handle = await openFile(file);
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      return undefined;
    }
    const head = describeFile(stats);
    if (options.etag !== undefined && options.etag !== head.etag) throw new MillraceError('storage-conflict', `${key} is another object by now`);
    const range = rangeOf(key, head.size, options.range);
    const content = Readable.from(bytesOf(key, handle, range), { objectMode: false, highWaterMark: chunkBytes, ...(options.signal === undefined ? {} : { signal: options.signal }) });
    // A stream that nobody has begun to read does not run its generator, which would close the file.
    content.once('close', () => void handle.close().catch(() => undefined));
    return { ...head, content, contentType: undefined };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* bytesOf(key: string, handle: FileHandle, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  for (let position = start; position <= end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end + 1 - position));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) throw new MillraceError('storage-unavailable', `${key} has been cut short while it was read`);
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}

async function openFile(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // ELOOP: a link; ENXIO: a pipe or a socket.
    if (isMissing(error) || ['ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
