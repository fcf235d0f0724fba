import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { CacheAccess, CacheCaller } from '../../cache-access/cache-access.js';
import type { ArtifactCache } from '../../cache-engine/artifact-cache.js';
import { digestText, type CacheDigest } from '../../cache/cache-digest.js';
import type { CacheEntry, EntryName } from '../../cache/cache-entry.js';
import type { CacheFetching, CacheInstance } from '../../cache/cache-instance.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { AssetCall } from '../asset-call.js';

export interface MemoryCache {
  readonly cache: ArtifactCache;
  readonly entries: Map<string, CacheEntry>;
  readonly blobs: Map<string, Buffer>;
}

/** Stands in for the engine where a spec is about what assets do with it: entries are found when their target is there. */
export function memoryCache({ fetch, storageElsewhere = false, now = () => new Date() }: { readonly fetch?: CacheFetching; readonly storageElsewhere?: boolean; readonly now?: () => Date } = {}): MemoryCache {
  const entries = new Map<string, CacheEntry>();
  const blobs = new Map<string, Buffer>();
  const main: CacheInstance = { name: 'main', quota: { high: 1e9, low: 5e8 }, limit: 2e9, lease: 3600, maximumAge: undefined, blobBytes: 1_000_000, evictionPaused: false, storageElsewhere, ...(fetch === undefined ? {} : { fetch }) };
  const unused = (): never => {
    throw new Error('assets do not use this');
  };
  const cache: ArtifactCache = {
    instances: [main],
    instance(name) {
      if (name !== '' && name !== 'main') throw new MillraceError('invalid-request', `there is no cache instance ${name}`);
      return main;
    },
    findMissing: unused,
    readBlobs: unused,
    writeBlobs: unused,
    uploads: { status: unused, open: unused },
    walkDirectories: unused,
    readBlob: (_, digest) => {
      const content = blobs.get(digestText(digest));
      if (content === undefined) return Promise.reject(new MillraceError('blob-not-found', `no ${digestText(digest)}`));
      return Promise.resolve({ size: content.length, content: one(content) });
    },
    async writeBlob(_, digest, content) {
      blobs.set(digestText(digest), await buffer(content));
    },
    findEntry(name) {
      const entry = entries.get(keyOf(name));
      const complete = entry !== undefined && (entry.target === undefined || blobs.has(digestText(entry.target.digest)));
      return Promise.resolve(complete && (entry.expiresAt === undefined || Date.parse(entry.expiresAt) > now().getTime()) ? entry : undefined);
    },
    putEntry(draft, { by }) {
      const entry = { ...draft, pushedAt: now().toISOString(), pushedBy: by };
      entries.set(keyOf(draft), entry);
      return Promise.resolve(entry);
    },
    removeEntry: (name) => Promise.resolve(entries.delete(keyOf(name))),
  };
  return { cache, entries, blobs };
}

async function* one(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
  await Promise.resolve();
}

export function keyOf({ instance, kind, key, qualifiers }: EntryName): string {
  return JSON.stringify([instance, kind, key, Object.entries(qualifiers).sort()]);
}

export interface MemoryAccess extends CacheAccess {
  readonly taken: { readonly key: string; readonly how: string }[];
}

/** `anonymous` pulls; `builder` pushes what begins with one of the prefixes. */
export function memoryAccess(prefixes: readonly string[] = ['']): MemoryAccess {
  const taken: MemoryAccess['taken'] = [];
  return {
    taken,
    identify: () => Promise.reject(new Error('assets do not use this')),
    demand(caller, action, instance, name) {
      if (action === 'pull') return;
      if (caller.name !== 'builder') throw new MillraceError('unauthorized', `pushing to ${instance} needs credentials`);
      if (name !== undefined && !prefixes.some((prefix) => name.key.startsWith(prefix))) throw new MillraceError('forbidden', `${caller.name} may not push ${name.key}`);
    },
    recheck: () => Promise.resolve(),
    hasRole: () => false,
    count: () => Promise.resolve(),
    origin: (caller, said) => ({ ...said, ...(caller.session === undefined ? {} : { session: caller.session }) }),
    took: (_, { key }, how) => void taken.push({ key, how }),
    challenges: [],
    close: () => Promise.resolve(),
  };
}

export function callOf(name: 'anonymous' | 'builder', change: Partial<CacheCaller> = {}): AssetCall {
  return { caller: { name, session: undefined, groups: [], ...change }, origin: change.session === undefined ? {} : { session: change.session }, signal: new AbortController().signal };
}

export function digestOf(text: string): CacheDigest {
  return { function: 'sha256', hash: createHash('sha256').update(text).digest('hex'), size: Buffer.byteLength(text) };
}

/** The blob is there. */
export function keep({ blobs }: MemoryCache, text: string): CacheDigest {
  const digest = digestOf(text);
  blobs.set(digestText(digest), Buffer.from(text));
  return digest;
}
