import { open, rm, statfs, type FileHandle } from 'node:fs/promises';
import { MillraceError } from '../errors/millrace-error.js';
import { asStorageError } from '../errors/system-error.js';
import { unfinishedFile } from '../object-storage/directory/unfinished-files.js';
import type { ObjectContent } from '../object-storage/object-store.js';

/** Bytes. */
const memoryLimit = 256 * 1024;
/** Bytes that uploads never take from a disk: databases may live on it, too. */
const diskReserve = 256 * 1024 * 1024;
const checkEvery = 64 * 1024 * 1024;

/** Content of a blob on its way in: in memory while it is small, then a file that the store may move. One call at a time. Errors: `storage-full`. */
export interface SpooledBlob {
  readonly size: number;
  append(chunk: Buffer): Promise<void>;
  /** Frees memory and descriptors; `append` may go on. */
  park(): Promise<void>;
  /** All of it; a file is closed by then. */
  content(): Promise<Buffer | Extract<ObjectContent, { readonly file: string }>>;
  /** Also after the file was moved away. */
  discard(): Promise<void>;
}

/** `folder` must exist. */
export function spooledBlob(folder: string): SpooledBlob {
  const file = unfinishedFile(folder);
  let chunks: Buffer[] = [];
  let size = 0;
  let held = 0;
  let begun = false;
  let handle: FileHandle | undefined;
  let checkAt = 0;

  async function flush(): Promise<void> {
    handle ??= await open(file, begun ? 'a' : 'ax', 0o600);
    begun = true;
    if (size >= checkAt) {
      await demandSpace(folder);
      checkAt = size + checkEvery;
    }
    const [waiting, bytes] = [chunks, held];
    chunks = [];
    held = 0;
    const { bytesWritten } = await handle.writev(waiting);
    if (bytesWritten === bytes) return;
    // A disk that takes only a part says by the next attempt why.
    const rest = Buffer.concat(waiting).subarray(bytesWritten);
    for (let at = 0; at < rest.length; ) at += (await handle.write(rest, at)).bytesWritten;
  }

  async function close(): Promise<void> {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  }

  async function writing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asStorageError(error, 'the spool of uploads');
    }
  }

  return {
    get size() {
      return size;
    },
    async append(chunk) {
      if (chunk.length === 0) return;
      // Whoever hands in small pieces of a large buffer must not keep all of it.
      chunks.push(chunk.length < chunk.buffer.byteLength / 2 ? Buffer.from(chunk) : chunk);
      size += chunk.length;
      held += chunk.length;
      if (held > memoryLimit) await writing(flush);
    },
    park: () =>
      writing(async () => {
        if (held > 0) await flush();
        await close();
      }),
    async content() {
      if (!begun) return Buffer.concat(chunks);
      await writing(async () => {
        if (held > 0) await flush();
        await close();
      });
      return { file, moved: true };
    },
    async discard() {
      chunks = [];
      held = 0;
      await close();
      if (begun) await rm(file, { force: true });
    },
  };
}

async function demandSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= diskReserve) return;
  throw new MillraceError('storage-full', `less than ${diskReserve} bytes are left on the disk of the spool of uploads`, { suggestion: 'Free space there, or lower the quotas of the artifact cache.' });
}

