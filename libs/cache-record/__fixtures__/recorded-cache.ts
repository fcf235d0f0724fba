import { createHash } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import type { CacheDigest } from '../../cache/cache-digest.js';
import type { BlobReference, BlobShape, EntryDraft } from '../../cache/cache-entry.js';
import type { CacheInstance } from '../../cache/cache-instance.js';
import { openDatabase, type Database } from '../../database/open-database.js';
import { createTestDatabase, type TestDatabase } from '../../testing/test-database.js';
import type { CacheRecord, NewBlob } from '../cache-record.js';
import { createCacheRecord } from '../create-cache-record.js';

export const by = 'builder@example.test';

export const specInstance = (name: string): CacheInstance => ({
  name,
  quota: { high: 1000, low: 500 },
  limit: 2000,
  lease: 3600,
  maximumAge: undefined,
  blobBytes: 1_000_000,
  evictionPaused: false,
});

/** Another text, another digest; its size is that of the text. */
export function blobOf(text: string): NewBlob & { readonly place: { readonly content: Buffer } } {
  const content = Buffer.from(text);
  return { digest: digestOf(content), place: { content } };
}

export function digestOf(content: Buffer | string): CacheDigest {
  return { function: 'sha256', hash: createHash('sha256').update(content).digest('hex'), size: Buffer.byteLength(content) };
}

export const reference = (text: string, shape: BlobShape = 'plain'): BlobReference => ({ digest: digestOf(text), shape });

export function draftOf(key: string, { instance = 'main', ...given }: Partial<EntryDraft> = {}): EntryDraft {
  return { instance, kind: 'action', key, qualifiers: {}, target: undefined, value: Buffer.from('result'), references: [], properties: {}, expiresAt: undefined, origin: {}, ...given };
}

export const nameOf = (key: string, instance = 'main'): Pick<EntryDraft, 'instance' | 'kind' | 'key' | 'qualifiers'> => ({ instance, kind: 'action', key, qualifiers: {} });

export interface RecordedCache {
  readonly database: () => Database;
  readonly record: () => CacheRecord;
  /** Seconds. */
  readonly pass: (seconds: number) => void;
  readonly now: () => Date;
  /** Commits small blobs of these texts. */
  readonly push: (...texts: readonly string[]) => Promise<readonly boolean[]>;
  readonly announced: (text: string, key: string) => Promise<readonly boolean[]>;
}

/** A database of the spec's own, with the instances `main` and `other`, whose leases are an hour long, and a clock that stands still. */
export function recordedCache(): RecordedCache {
  let server: TestDatabase;
  let database: Database;
  let record: CacheRecord;
  let time = Date.now();
  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url, { poolSize: 20 });
    const instances = new Map(['main', 'other'].map((name) => [name, specInstance(name)]));
    record = createCacheRecord(database, { instances, clock: () => new Date(time) });
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });
  return {
    database: () => database,
    record: () => record,
    pass: (seconds) => void (time += seconds * 1000),
    now: () => new Date(time),
    push: (...texts) => record.commitBlobs('main', texts.map(blobOf), by),
    async announced(text, key) {
      await record.announceObject('main', key);
      return record.commitBlobs('main', [{ digest: digestOf(text), place: { object: key } }], by);
    },
  };
}
