import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, rename, stat, unlink, utimes, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { sweepContent, sweptFile, temporaryDirectory } from './content-sweep.js';
import { asStorageError, errnoOf, isMissing } from '../errors/system-error.js';

/** Package files and documents by SHA-256, shared by everything that has them: `<blobs>/content/<aa>/<sha256>`. Files are read-only and synced before they get their name. */
export interface ContentStore {
  /** A file that is there stays for the idle time of the sweep, less a minute. */
  has(sha256: string): Promise<boolean>;
  /** Size in bytes; undefined when it is not there. As `has`, it counts as use. */
  size(sha256: string): Promise<number | undefined>;
  /** Path of the file; it need not be there. */
  file(sha256: string): string;
  /** Streams into the store; what breaks off leaves nothing. Errors: `digest-mismatch`, `payload-too-large`, `storage-full`. */
  add(chunks: AsyncIterable<Buffer>, options?: AddOptions): Promise<{ readonly sha256: string; readonly size: number }>;
  /**
   * The same for a file that `put` makes at a path of the store's own, sharing nothing with a file that others may change but blocks that are copied on write.
   * Undefined: `put` has answered false, and made none.
   */
  adopt(put: (part: string) => Promise<boolean>, options?: AddOptions): Promise<{ readonly sha256: string; readonly size: number } | undefined>;
  /** As a hard link; a copy (on write, where the file system can) on another file system or where a file has too many links. Never replaces. Errors: `blob-not-found`, `storage-full`. */
  link(sha256: string, target: string): Promise<void>;
  /** Removes files that no tree links to and that nobody has used for this long. Answers how many. */
  sweep(idleMilliseconds: number): Promise<number>;
}

export interface AddOptions {
  readonly expected?: { readonly algorithm: string; readonly hex: string };
  /** Bytes. */
  readonly limit?: number;
}

/** Uses within this time are not written down again: looking up 10,000 files that are there must cost 10,000 calls, not 20,000. */
const usedAgainAfter = 60_000;

/**
 * Opens (and makes) a store in the directory `<root>`, on the file system of the trees that link to it. The data of a file are synced before it gets its
 * name, so a name never stands for other bytes; directories are not synced, because a name that a power cut takes back is only fetched again.
 * Access time is the time of last use: modification time belongs to the trees, which share it.
 */
export async function openContentStore(root: string): Promise<ContentStore> {
  const directory = path.resolve(root);
  const temporary = temporaryDirectory(directory);
  await mkdir(temporary, { recursive: true, mode: 0o700 });

  function file(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new MillraceError('invalid-request', 'content is named by 64 lower-case hex digits');
    return path.join(directory, sha256.slice(0, 2), sha256);
  }

  async function size(sha256: string): Promise<number | undefined> {
    try {
      const known = await stat(file(sha256));
      if (known.atimeMs < Date.now() - usedAgainAfter) await utimes(file(sha256), new Date(), known.mtime);
      return known.size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async function keep<Added extends { readonly sha256: string; readonly size: number } | undefined>(write: (part: string) => Promise<Added>): Promise<Added> {
    const part = path.join(temporary, `add-${randomUUID()}`);
    try {
      const added = await write(part);
      if (added === undefined) return added;
      // The same size under this name: the same bytes. Another size: something damaged the file, and the sound one takes its place.
      if ((await size(added.sha256)) === added.size) await unlink(part);
      else await moveInto(part, file(added.sha256));
      return added;
    } catch (error) {
      await unlink(part).catch(() => undefined);
      throw asStorageError(error, directory);
    }
  }

  return {
    has: async (sha256) => (await size(sha256)) !== undefined,
    size,
    file,
    add: (chunks, options = {}) => keep((part) => writeSynced(part, chunks, options)),
    adopt: (put, options = {}) => keep(async (part) => ((await put(part)) ? await seal(part, options) : undefined)),
    async link(sha256, target) {
      // A sweep that looks at the file just now has it under another name for a moment; several sweeps may do so one after the other.
      for (let attempt = 0; attempt < 4; attempt += 1) {
        for (const name of [file(sha256), sweptFile(directory, sha256)]) if (await place(name, target)) return;
      }
      throw new MillraceError('blob-not-found', `the content store has no ${sha256}`);
    },
    sweep: (idleMilliseconds) => sweepContent(directory, idleMilliseconds),
  };
}

async function writeSynced(part: string, chunks: AsyncIterable<Buffer>, options: AddOptions): Promise<{ sha256: string; size: number }> {
  const handle = await open(part, 'wx', 0o600);
  try {
    return await finish(handle, chunks, { ...options, each: (chunk) => writeAll(handle, chunk) });
  } finally {
    await handle.close();
  }
}

/** What is written already gets its digest, and is as final as what was written here. */
async function seal(part: string, options: AddOptions): Promise<{ sha256: string; size: number }> {
  const handle = await open(part, 'r');
  try {
    return await finish(handle, handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>, options);
  } finally {
    await handle.close();
  }
}

async function finish(handle: FileHandle, chunks: AsyncIterable<Buffer>, { expected, limit = Infinity, each }: AddOptions & { readonly each?: (chunk: Buffer) => Promise<void> }): Promise<{ sha256: string; size: number }> {
  const name = createHash('sha256');
  const check = expected === undefined || expected.algorithm === 'sha256' ? undefined : createHash(expected.algorithm);
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw new MillraceError('payload-too-large', `there are more than ${limit} bytes`);
    name.update(chunk);
    check?.update(chunk);
    await each?.(chunk);
  }
  const sha256 = name.digest('hex');
  const found = check?.digest('hex') ?? sha256;
  if (expected !== undefined && found !== expected.hex) throw new MillraceError('digest-mismatch', `the ${expected.algorithm} is ${found}, not ${expected.hex}`);
  await handle.chmod(0o444);
  await handle.sync();
  return { sha256, size };
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
}

/** Another process may have brought the same bytes meanwhile: a rename replaces atomically. */
async function moveInto(part: string, target: string): Promise<void> {
  try {
    await rename(part, target);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    await rename(part, target);
  }
}

/** What makes a hard link impossible, but not a copy: another file system, too many links, a file system or an owner that allows none. */
const copyInstead: ReadonlySet<string> = new Set(['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'ENOSYS']);

/** False when there is no such source. */
async function place(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return acceptExisting(source, target);
    if (isMissing(error)) return missingSource(target, error);
    if (!copyInstead.has(errnoOf(error) ?? '')) throw asStorageError(error, path.dirname(target));
    if (!(await copyTo(source, target))) return false;
    await noteUse(source);
    return true;
  }
  await noteUse(target);
  return true;
}

async function noteUse(file: string): Promise<void> {
  const known = await stat(file).catch(() => undefined);
  if (known !== undefined) await utimes(file, new Date(), known.mtime).catch(() => undefined);
}

/** A repeated attempt may find its own link, which is fine. */
async function acceptExisting(source: string, target: string): Promise<boolean> {
  const [wanted, found] = await Promise.all([stat(source).catch(() => undefined), lstat(target)]);
  if (wanted !== undefined && wanted.dev === found.dev && wanted.ino === found.ino) return true;
  throw new MillraceError('internal', `${target} is there already, with other contents`);
}

async function missingSource(target: string, cause: unknown): Promise<false> {
  await stat(path.dirname(target)).catch(() => {
    throw new MillraceError('internal', `the directory of ${target} does not exist`, { cause });
  });
  return false;
}

async function copyTo(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new MillraceError('internal', `${target} is there already`, { cause: error });
    if (isMissing(error)) return missingSource(target, error);
    await unlink(target).catch(() => undefined);
    throw asStorageError(error, path.dirname(target));
  }
  const handle = await open(target, 'r');
  try {
    await handle.sync();
  } catch (error) {
    await unlink(target).catch(() => undefined);
    throw new MillraceError('storage-full', `cannot write ${target}: ${errorMessage(error)}`, { cause: error });
  } finally {
    await handle.close();
  }
  return true;
}
