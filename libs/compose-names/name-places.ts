import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Compose } from '../compose/compose.js';
import { syncDirectory } from '../compose-engine/sync-tree.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { errnoOf } from '../errors/system-error.js';
import type { ComposeName } from './compose-names.js';
import { latestDirectory, linkTarget, nameFiles, type NameFileOptions } from './name-files.js';

/** Where names are found without the gateway. Both may be repeated. */
export interface NamePlace {
  /** `compose`: what the name points at. */
  publish(name: ComposeName, compose: Compose): Promise<void>;
  withdraw(name: string): Promise<void>;
}

type PlaceOptions = Omit<NameFileOptions, 'follows'>;

/** Links and small files in the directory of composes, each replaced by a rename. */
export function nameDirectory(composes: string, options: PlaceOptions): NamePlace {
  const root = path.join(composes, latestDirectory);

  /** Beside its place, under a name that is never served. */
  async function replace(file: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const place = path.join(root, file);
    await mkdir(path.dirname(place), { recursive: true });
    const temporary = path.join(root, `.${randomUUID()}`);
    try {
      await make(temporary);
      await rename(temporary, place);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async function removeOthers(name: string, wanted: ReadonlySet<string>): Promise<void> {
    const mirrors = (await filesBelow(path.join(root, `${name}.mirrors`))).map((file) => `${name}.mirrors/${file}`);
    for (const file of [`${name}.repo`, `${name}.json`, ...mirrors]) if (!wanted.has(file)) await rm(path.join(root, file), { force: true });
    if (![...wanted].some((file) => file.startsWith(`${name}.mirrors/`))) await rm(path.join(root, `${name}.mirrors`), { recursive: true, force: true });
  }

  return {
    async publish(name, compose) {
      const files = nameFiles(name, compose, { ...options, follows: true });
      await replace(name.name, (temporary) => symlink(linkTarget(compose), temporary));
      for (const [file, text] of files) await replace(file, (temporary) => writeSynced(temporary, text));
      await removeOthers(name.name, new Set(files.keys()));
      await syncDirectory(root);
    },
    async withdraw(name) {
      await rm(path.join(root, name), { force: true });
      await removeOthers(name, new Set());
    },
  };
}

/** What the directory's links say; for a check. Undefined: no such link. */
export async function readNameLink(composes: string, name: string): Promise<string | undefined> {
  return readlink(path.join(composes, latestDirectory, name)).catch((error: unknown) => {
    if (['ENOENT', 'EINVAL', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  });
}

/** Small files in the bucket, whose mirror lists lead to the compose there: the file that clients begin with comes last. */
export function nameBucket(bucket: Pick<ObjectStore, 'put' | 'remove' | 'list'>, options: PlaceOptions): NamePlace {
  const key = (file: string): string => `${latestDirectory}/${file}`;

  async function removeOthers(name: string, wanted: ReadonlySet<string>): Promise<void> {
    const found: string[] = [key(`${name}.repo`), key(`${name}.json`)];
    for await (const object of bucket.list(key(`${name}.mirrors/`))) found.push(object.key);
    await bucket.remove(found.filter((each) => !wanted.has(each)));
  }

  return {
    async publish(name, compose) {
      const files = nameFiles(name, compose, { ...options, follows: false });
      for (const [file, text] of files) await bucket.put(key(file), Buffer.from(text), { contentType: file.endsWith('.json') ? 'application/json' : 'text/plain; charset=utf-8', cacheControl: 'no-cache' });
      await removeOthers(name.name, new Set([...files.keys()].map(key)));
    },
    withdraw: (name) => removeOthers(name, new Set()),
  };
}

async function writeSynced(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx' });
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}
