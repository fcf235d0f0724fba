import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import { asStorageError } from '../../../libs/errors/system-error.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** What a client sends without saying its digest or size. */
export interface SpooledContent {
  readonly digest: CacheDigest;
  /** From the beginning, as often as it is asked for. */
  read(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Where content goes that is larger than `memory` bytes. */
  readonly folder: string;
  readonly memory: number;
  /** Bytes. */
  readonly most: number;
}

const readBytes = 256 * 1024;

/** Takes content in to learn its SHA-256 and size. Its file has no name while it is there: a crash leaves nothing. Errors: `payload-too-large`, `storage-full`, those of the content. */
export async function spoolContent(content: AsyncIterable<Buffer>, { folder, memory, most }: SpoolOptions): Promise<SpooledContent> {
  const hash = createHash('sha256');
  let held: Buffer[] = [];
  let size = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of content) {
      size += chunk.length;
      if (size > most) throw new MillraceError('payload-too-large', `one thing in this cache may have ${most} bytes`, { suggestion: 'blob-bytes of the instance is the limit.' });
      hash.update(chunk);
      held.push(chunk);
      if (size <= memory) continue;
      file ??= await namelessFile(folder);
      await writeAll(file, held, folder);
      held = [];
    }
    const digest: CacheDigest = { function: 'sha256', hash: hash.digest('hex'), size };
    const opened = file;
    return { digest, read: () => (opened === undefined ? inMemory(held) : inFile(opened, size)), close: async () => opened?.close() };
  } catch (error) {
    await file?.close();
    throw error;
  }
}

async function namelessFile(folder: string): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true });
    const name = path.join(folder, randomUUID());
    const file = await open(name, 'wx+', 0o600);
    await unlink(name);
    return file;
  } catch (error) {
    throw asStorageError(error, folder);
  }
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[], folder: string): Promise<void> {
  try {
    for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
  } catch (error) {
    throw asStorageError(error, folder);
  }
}

async function* inMemory(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

async function* inFile(file: FileHandle, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < size; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(readBytes, size - at)), 0, undefined, at);
    if (bytesRead === 0) throw new MillraceError('internal', 'the spool file became shorter');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
