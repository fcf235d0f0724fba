import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { isMissing } from '../../errors/system-error.js';
import { assertObjectKey, assertObjectPrefix, writingFolder } from '../object-key.js';
import type { ObjectStore } from '../object-store.js';
import { asDirectoryError } from './directory-errors.js';
import { directoryFolders, statOf } from './directory-folders.js';
import { listDirectory } from './list-directory.js';
import { describeFile, readObject } from './read-object.js';
import { sweepUnfinished } from './unfinished-files.js';
import { createWriteLock } from './write-lock.js';
import { objectWriter } from './object-writer.js';

export interface DirectoryStoreOptions {
  /** Only for the user of this process. Else others may read, as web servers do. */
  readonly secret?: boolean;
}

/**
 * Objects as files below a directory, at the paths that their keys say: any web server can serve it. Objects are never written in place, so that copies may be hard
 * links. The directory is made by the first write. What is known of an object beside its bytes (content type, digest) is not kept.
 */
export function openDirectoryStore(directory: string, { secret = false }: DirectoryStoreOptions = {}): ObjectStore {
  const root = path.resolve(directory);
  const mode = secret ? 0o700 : 0o777;
  const folders = directoryFolders(root, mode);
  const lock = createWriteLock(path.join(root, writingFolder, 'lock'));
  const writer = objectWriter({ folders, lock, writing: path.join(root, writingFolder), fileMode: mode & 0o666 });
  let made: Promise<void> | undefined;

  async function make(): Promise<void> {
    await mkdir(root, { recursive: true, mode });
    await mkdir(path.join(root, writingFolder), { recursive: true, mode: 0o700 });
    await sweepUnfinished(path.join(root, writingFolder), Date.now());
  }

  /** Again, when it could not be made or somebody has removed it. */
  async function ready(): Promise<void> {
    if (made !== undefined && (await statOf(path.join(root, writingFolder))) === undefined) made = undefined;
    made ??= make();
    await made.catch((error: unknown) => {
      made = undefined;
      throw error;
    });
  }

  async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asDirectoryError(error, what);
    }
  }

  return {
    put: (key, content, options = {}) =>
      attempt(key, async () => {
        assertObjectKey(key);
        await ready();
        return writer.write(key, content, options);
      }),
    copy: (from, to, options = {}) =>
      attempt(`the copy ${to}`, async () => {
        assertObjectKey(from);
        assertObjectKey(to);
        const source = await folders.find(from);
        const found = source === undefined ? undefined : await statOf(source);
        if (source === undefined || found?.isFile() !== true) throw absent(from);
        await ready();
        return writer.copy(source, to, options).catch((error: unknown) => {
          throw isMissing(error) ? absent(from) : error;
        });
      }),
    head: (key) =>
      attempt(key, async () => {
        assertObjectKey(key);
        const file = await folders.find(key);
        const found = file === undefined ? undefined : await statOf(file);
        return found?.isFile() === true ? describeFile(found) : undefined;
      }),
    get: (key, options = {}) =>
      attempt(key, async () => {
        assertObjectKey(key);
        const file = await folders.find(key);
        const body = file === undefined ? undefined : await readObject(key, file, options);
        if (body === undefined) throw absent(key);
        return body;
      }),
    async *list(prefix, options = {}) {
      assertObjectPrefix(prefix);
      try {
        yield* listDirectory(root, prefix, options, describeFile);
      } catch (error) {
        throw asDirectoryError(error, `the list of ${prefix}`);
      }
    },
    remove: (keys, { signal } = {}) =>
      attempt('a deletion', async () => {
        for (const key of keys) assertObjectKey(key);
        if ((await statOf(root)) === undefined) return;
        await ready();
        await writer.remove(keys, signal);
      }),
    presign: () => Promise.resolve(undefined),
    close: () => lock.close(),
  };
}

function absent(key: string): MillraceError {
  return new MillraceError('blob-not-found', `the directory has no ${key}`);
}
