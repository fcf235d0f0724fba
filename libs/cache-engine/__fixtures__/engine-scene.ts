import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll } from '@jest/globals';
import { blake3 } from 'hash-wasm';
import type { CacheDigest, DigestFunction } from '../../cache/cache-digest.js';
import type { BlobReference, EntryDraft, EntryName } from '../../cache/cache-entry.js';
import type { CacheInstance } from '../../cache/cache-instance.js';
import type { CacheRecord } from '../../cache-record/cache-record.js';
import { createCacheRecord } from '../../cache-record/create-cache-record.js';
import { openDatabase, type Database } from '../../database/open-database.js';
import { readStream } from '../../event-store/read-stream.js';
import { openDirectoryStore } from '../../object-storage/directory/open-directory-store.js';
import type { ObjectStore } from '../../object-storage/object-store.js';
import { Directory, Tree } from '../../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { createTestDatabase, type TestDatabase } from '../../testing/test-database.js';
import { createArtifactCache, type ArtifactCacheOptions, type OpenArtifactCache } from '../create-artifact-cache.js';
import type { BlobRange, SmallBlob } from '../artifact-cache.js';

export const push = { by: 'ann' };

export interface EngineScene {
  /** Files of all instances, and of the spool. */
  readonly root: () => string;
  readonly store: () => ObjectStore;
  readonly record: () => CacheRecord;
  readonly database: () => Database;
  readonly databaseUrl: () => string;
  readonly cache: (options?: Partial<ArtifactCacheOptions>) => OpenArtifactCache;
  /** A new instance, with nothing in it. */
  readonly instance: (changes?: Partial<CacheInstance>) => string;
  /** Seconds. */
  readonly pass: (seconds: number) => void;
  readonly now: () => number;
  /** Keys of the objects of an instance, by what a store that is a directory has. */
  readonly objects: (instance: string) => string[];
  /** Of the stream of an instance. */
  readonly events: (instance: string) => Promise<readonly { readonly type: string; readonly data: unknown }[]>;
  /** Files of uploads that have not ended. */
  readonly spooled: () => string[];
}

/** Real PostgreSQL and a directory; clocks of engine and record are the spec's. */
export function engineScene(): EngineScene {
  let server: TestDatabase;
  let database: Database;
  let root: string;
  let store: ObjectStore;
  let record: CacheRecord;
  let time = Date.now();
  let made = 0;
  const instances = new Map<string, CacheInstance>();
  const opened: OpenArtifactCache[] = [];
  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url, { poolSize: 10 });
    root = mkdtempSync(path.join(os.tmpdir(), 'millrace-cache-engine-'));
    store = openDirectoryStore(root);
    record = createCacheRecord(database, { instances, clock: () => new Date(time) });
  });
  afterAll(async () => {
    await Promise.all(opened.map((cache) => cache.close()));
    store.close();
    await database.close();
    await server.drop();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    root: () => root,
    store: () => store,
    record: () => record,
    database: () => database,
    databaseUrl: () => server.url,
    cache(options = {}) {
      const cache = createArtifactCache({ record, store, spool: path.join(root, '.millrace-spool'), instances: [...instances.values()], now: () => time, ...options });
      opened.push(cache);
      return cache;
    },
    instance(changes = {}) {
      const name = `cache-${(made += 1)}`;
      instances.set(name, { name, quota: { high: 10_000_000, low: 8_000_000 }, limit: 20_000_000, lease: 3600, maximumAge: undefined, blobBytes: 10_000_000, evictionPaused: false, ...changes });
      return name;
    },
    pass: (seconds) => void (time += seconds * 1000),
    now: () => time,
    objects: (instance) => filesBelow(path.join(root, instance)),
    async events(instance) {
      const found: { readonly type: string; readonly data: unknown }[] = [];
      for await (const { type, data } of readStream(database, `artifact-cache:${instance}`)) found.push({ type, data: JSON.parse(data) });
      return found;
    },
    spooled: () => filesBelow(path.join(root, '.millrace-spool')),
  };
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export async function blobOf(content: Buffer | string, digestFunction: DigestFunction = 'sha256'): Promise<SmallBlob> {
  const bytes = Buffer.from(content);
  const hash = digestFunction === 'sha256' ? createHash('sha256').update(bytes).digest('hex') : await blake3(bytes);
  return { digest: { function: digestFunction, hash, size: bytes.length }, content: bytes };
}

export const randomBlob = (size: number, digestFunction?: DigestFunction): Promise<SmallBlob> => blobOf(randomBytes(size), digestFunction);

/** In pieces, as networks give them. */
export async function* streamOf(content: Buffer, piece = 65_536): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += piece) yield content.subarray(at, at + piece);
}

export const write = (cache: OpenArtifactCache, instance: string, { digest, content }: SmallBlob): Promise<void> => cache.writeBlob(instance, digest, streamOf(content), push);

export async function read(cache: OpenArtifactCache, instance: string, digest: CacheDigest, range?: BlobRange): Promise<Buffer> {
  const { content } = await cache.readBlob(instance, digest, range);
  return buffer(content);
}

export const reference = ({ digest }: SmallBlob, shape: BlobReference['shape'] = 'plain'): BlobReference => ({ digest, shape });

export const nameOf = (instance: string, key: string): EntryName => ({ instance, kind: 'action', key, qualifiers: {} });

export const draftOf = (instance: string, key: string, given: Partial<EntryDraft> = {}): EntryDraft => ({ ...nameOf(instance, key), target: undefined, value: Buffer.from(key), references: [], properties: {}, expiresAt: undefined, origin: {}, ...given });

/** A directory of the Remote Execution API. */
export function directoryOf(files: readonly SmallBlob[], directories: readonly SmallBlob[] = []): Promise<SmallBlob> {
  return blobOf(Buffer.from(Directory.encode(directoryMessage(files, directories)).finish()));
}

export function treeOf(root: readonly SmallBlob[], children: readonly (readonly SmallBlob[])[]): Promise<SmallBlob> {
  return blobOf(Buffer.from(Tree.encode(Tree.fromPartial({ root: directoryMessage(root, []), children: children.map((files) => directoryMessage(files, [])) })).finish()));
}

function directoryMessage(files: readonly SmallBlob[], directories: readonly SmallBlob[]): Directory {
  const nodeOf = (kind: string) => ({ digest: { hash, size } }: SmallBlob, index: number) => ({ name: `${kind}-${index}`, digest: { hash, sizeBytes: size } });
  return Directory.fromPartial({ files: files.map(nodeOf('file')), directories: directories.map(nodeOf('directory')) });
}
