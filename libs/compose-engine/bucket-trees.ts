import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { forEachAtOnce } from './for-each-at-once.js';
import type { ObjectOptions, ObjectStore } from '../object-storage/object-store.js';

/** Composes as objects: `odcs-<id>/…` with the same paths as in the directory, so that package managers install straight from the bucket. */
export interface BucketTrees {
  /**
   * Copies a finished directory. Packages go first, what names them after them, `repomd.xml` and `.repo` files last: whoever reads along never sees an index of what is
   * not there. What an attempt before left there is replaced. Errors: `storage-unavailable`, `storage-refused`.
   */
  publish(name: string, directory: string, options: PublishOptions): Promise<void>;
  /** What names the packages goes first. Fine when there is nothing. */
  remove(name: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Names that have objects. */
  list(): Promise<readonly string[]>;
  /** Removes shared package objects of this age: copies of them live on, and the next compose uploads them again. Answers how many. */
  sweep(idleMilliseconds: number): Promise<number>;
}

export interface PublishOptions {
  /** SHA-256 of files, by their path in the directory, that other composes are likely to have too: uploaded once, then copied inside the bucket. */
  readonly digests: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const requestsAtOnce = 16;
const shared = 'content/';

export function createBucketTrees(bucket: ObjectStore): BucketTrees {
  async function upload(name: string, directory: string, { file, size, options }: { file: string; size: number; options: PublishOptions }): Promise<void> {
    const { digests, signal } = options;
    const described = { ...describe(file), signal };
    const source = { file: path.join(directory, file) };
    const digest = digests.get(file);
    if (digest === undefined) return void (await bucket.put(`${name}/${file}`, source, described));
    const content = `${shared}${digest.slice(0, 2)}/${digest}`;
    const head = await bucket.head(content);
    if (head?.size !== size) await bucket.put(content, source, described);
    await bucket.copy(content, `${name}/${file}`, described);
  }

  async function keysOf(prefix: string, signal?: AbortSignal): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of bucket.list(prefix, signal === undefined ? {} : { signal })) keys.push(key);
    return keys;
  }

  return {
    async publish(name, directory, options) {
      const files = await filesIn(directory);
      const wanted = new Set(files.map(({ file }) => `${name}/${file}`));
      let done = 0;
      for (const rank of [0, 1, 2]) {
        await forEachAtOnce(files.filter(({ file }) => rankOf(file) === rank), requestsAtOnce, async (each) => {
          options.signal.throwIfAborted();
          await upload(name, directory, { ...each, options });
          options.onProgress?.((done += 1), files.length);
        });
      }
      const stale = (await keysOf(`${name}/`, options.signal)).filter((key) => !wanted.has(key));
      if (stale.length > 0) await bucket.remove(stale, { signal: options.signal });
    },
    async remove(name, { signal } = {}) {
      const keys = await keysOf(`${name}/`, signal);
      for (const rank of [2, 1, 0]) {
        const some = keys.filter((key) => rankOf(key) === rank);
        if (some.length > 0) await bucket.remove(some, signal === undefined ? {} : { signal });
      }
    },
    async list() {
      const names = new Set<string>();
      for await (const { key } of bucket.list('odcs-')) names.add(key.slice(0, key.indexOf('/')));
      return [...names];
    },
    async sweep(idleMilliseconds) {
      const limit = Date.now() - idleMilliseconds;
      const old: string[] = [];
      for await (const { key, modified } of bucket.list(shared)) if (modified < limit) old.push(key);
      await bucket.remove(old);
      return old.length;
    },
  };
}

/** 0: packages and whatever else stands for itself; 1: indexes; 2: what clients begin with. */
function rankOf(file: string): 0 | 1 | 2 {
  if (/(^|\/)repodata\/repomd\.xml$|\.repo$/.test(file)) return 2;
  return /(^|\/)(repodata|metadata)\/|(^|\/)(COMPOSE_ID|STATUS)$/.test(file) ? 1 : 0;
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.rpm': 'application/x-rpm',
  '.xml': 'application/xml',
  '.json': 'application/json',
  '.gz': 'application/gzip',
  '.zst': 'application/zstd',
  '.iso': 'application/x-iso9660-image',
  '.log': 'text/plain; charset=utf-8',
  '.repo': 'text/plain; charset=utf-8',
};

function describe(file: string): ObjectOptions {
  const immutable = /\.rpm$|(^|\/)repodata\/[0-9a-f]{64}-/.test(file);
  return { contentType: mediaTypes[path.extname(file)] ?? 'application/octet-stream', cacheControl: immutable ? 'public, max-age=31536000, immutable' : 'no-cache' };
}

async function filesIn(directory: string): Promise<{ file: string; size: number }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))).filter((file) => !file.startsWith('.'));
  files.sort();
  return Promise.all(files.map(async (file) => ({ file, size: (await stat(path.join(directory, file))).size })));
}
