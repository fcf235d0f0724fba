import { constants } from 'node:fs';
import { copyFile, link, open, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { errnoOf, isMissing } from '../../errors/system-error.js';
import { checkedContent } from '../object-content.js';
import type { CopyOptions, ObjectContent, PutOptions, StoredObject, WriteCondition } from '../object-store.js';
import { statOf, syncFolder, type DirectoryFolders } from './directory-folders.js';
import { describeFile } from './read-object.js';
import { unfinishedFile } from './unfinished-files.js';
import type { WriteLock } from './write-lock.js';

export interface ObjectWriter {
  write(key: string, content: ObjectContent, options: PutOptions): Promise<StoredObject>;
  copy(source: string, to: string, options: CopyOptions): Promise<StoredObject>;
  remove(keys: readonly string[], signal: AbortSignal | undefined): Promise<void>;
}

interface WriterParts {
  readonly folders: DirectoryFolders;
  readonly lock: WriteLock;
  /** Folder on the file system of the objects. */
  readonly writing: string;
  readonly fileMode: number;
}

/** Another process may remove a folder that is empty between its making and its first file. */
const placements = 20;
const removedAtOnce = 100;

/** A file is written beside, whole and durable, before it gets its name; what changes which file has a name happens under the lock, except the making of a new one. */
export function objectWriter({ folders, lock, writing, fileMode }: WriterParts): ObjectWriter {
  async function place(file: string, key: string, condition: WriteCondition | undefined): Promise<void> {
    const target = await placed(key, (made) => putAt(file, made, key, condition));
    await syncFolder(path.dirname(target));
  }

  async function placed(key: string, put: (target: string) => Promise<void>): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const target = await folders.make(key);
      try {
        await put(target);
        return target;
      } catch (error) {
        if (!isMissing(error) || attempt === placements || (await statOf(path.dirname(target))) !== undefined) throw error;
      }
    }
  }

  async function putAt(file: string, target: string, key: string, condition: WriteCondition | undefined): Promise<void> {
    const mayBeNew = condition === undefined || 'absent' in condition;
    const outcome = mayBeNew ? await linked(file, target) : 'not tried';
    if (outcome === 'linked') return;
    if (outcome === 'occupied' && condition !== undefined) throw occupied(key);
    await lock.run(async () => {
      if (condition !== undefined && 'etag' in condition) await demandEtag(target, key, condition.etag);
      if (condition !== undefined && 'absent' in condition && (await statOf(target)) !== undefined) throw occupied(key);
      await rename(file, target);
    });
  }

  async function fill(file: string, key: string, content: ObjectContent, options: PutOptions): Promise<StoredObject> {
    const { chunks, result } = checkedContent(key, content, options);
    const handle = await open(file, 'wx', fileMode);
    try {
      for await (const chunk of chunks) await writeWhole(handle, chunk);
      await finish(handle);
      return { ...result(), etag: describeFile(await handle.stat({ bigint: true })).etag };
    } finally {
      await handle.close();
    }
  }

  /** Undefined: not on the same file system. */
  async function taken(from: string, file: string): Promise<StoredObject | undefined> {
    const handle = await open(from, 'r+');
    try {
      await finish(handle);
      await handle.chmod(fileMode & ~process.umask());
      await rename(from, file);
      const { size, etag } = describeFile(await handle.stat({ bigint: true }));
      return { size, etag };
    } catch (error) {
      if (errnoOf(error) === 'EXDEV') return undefined;
      throw error;
    } finally {
      await handle.close();
    }
  }

  async function stored(file: string, key: string, content: ObjectContent, options: PutOptions): Promise<StoredObject> {
    const movable = !Buffer.isBuffer(content) && 'file' in content && content.moved === true && options.sha256 === undefined;
    return (movable ? await taken(content.file, file) : undefined) ?? fill(file, key, content, options);
  }

  return {
    async write(key, content, options) {
      const file = unfinishedFile(writing);
      try {
        const object = await stored(file, key, content, options);
        options.signal?.throwIfAborted();
        await place(file, key, options.condition);
        if (!Buffer.isBuffer(content) && 'file' in content && content.moved === true) await rm(content.file, { force: true });
        return object;
      } finally {
        await rm(file, { force: true });
      }
    },
    async copy(source, to, { condition, signal }) {
      const file = unfinishedFile(writing);
      try {
        await duplicate(source, file);
        signal?.throwIfAborted();
        const found = await statOf(file);
        await place(file, to, condition);
        if (found === undefined) throw new MillraceError('storage-unavailable', `the copy ${to} has gone while it was made`);
        const { size, etag } = describeFile(found);
        return { size, etag };
      } finally {
        await rm(file, { force: true });
      }
    },
    async remove(keys, signal) {
      for (let at = 0; at < keys.length; at += removedAtOnce) {
        signal?.throwIfAborted();
        const files = (await Promise.all(keys.slice(at, at + removedAtOnce).map((key) => folders.find(key)))).filter((file) => file !== undefined);
        await lock.run(async () => {
          for (const file of files) if ((await statOf(file))?.isFile() === true) await unlink(file);
        });
        const one = new Map(files.map((file) => [path.dirname(file), file]));
        for (const file of one.values()) await folders.tidy(file);
      }
    },
  };
}

/** The kernel's clock ticks seldom enough for two writes in one tick: a random part of a millisecond keeps their etags apart. */
async function finish(handle: FileHandle): Promise<void> {
  const now = (Date.now() + Math.random()) / 1000;
  await handle.utimes(now, now);
  await handle.sync();
}

async function writeWhole(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
}

/** Gives the file its name where nothing has it. Not every file system has hard links. */
async function linked(file: string, target: string): Promise<'linked' | 'occupied' | 'impossible'> {
  try {
    await link(file, target);
    return 'linked';
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'occupied';
    if (isWithoutLinks(error)) return 'impossible';
    throw error;
  }
}

async function duplicate(source: string, file: string): Promise<void> {
  try {
    await link(source, file);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    await copyFile(source, file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const handle = await open(file, 'r+');
    try {
      await finish(handle);
    } finally {
      await handle.close();
    }
  }
}

function isWithoutLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(errnoOf(error) ?? '');
}

async function demandEtag(target: string, key: string, etag: string): Promise<void> {
  const found = await statOf(target);
  if (found?.isFile() !== true || describeFile(found).etag !== etag) throw new MillraceError('storage-conflict', `${key} is another object by now, or none`);
}

function occupied(key: string): MillraceError {
  return new MillraceError('storage-conflict', `${key} is there already`);
}
