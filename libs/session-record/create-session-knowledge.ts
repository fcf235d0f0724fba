import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { SessionKnowledge } from '../inspection/inspector.js';
import type { KnowledgeReader } from './knowledge-reader.js';
import { sessionStreamId } from '../session/session-events.js';

const largestValue = 4 * 1024 * 1024;

export interface KnownValue {
  readonly digest: string;
  readonly value: string;
}

/** Values that this process has seen, at most 32 MiB for all sessions. */
export type KnowledgeCache = LRUCache<string, KnownValue>;

export function createKnowledgeCache(maximumBytes = 32 * 1024 * 1024): KnowledgeCache {
  return new LRUCache<string, KnownValue>({ maxSize: maximumBytes, sizeCalculation: (entry) => 2 * entry.value.length + 256 });
}

/**
 * Knowledge of one session. Every `get` asks the database, because another process may have learnt something newer, but a value
 * that is in the cache already is not transferred again. Errors: `payload-too-large`, `database-unavailable`.
 */
export function createSessionKnowledge(database: Database, sessionId: string, { cache, reader }: { readonly cache: KnowledgeCache; readonly reader: KnowledgeReader }): SessionKnowledge {
  return {
    async get(key) {
      const keyDigest = sha256(key);
      const cacheKey = `${sessionId} ${keyDigest}`;
      const cached = cache.get(cacheKey);
      const row = await reader.read(sessionId, keyDigest, cached?.digest ?? '');
      if (row === undefined) return undefined;
      if (row.value === null) return cached?.value;
      const value = row.value.toString('utf8');
      cache.set(cacheKey, { digest: row.digest, value });
      return value;
    },
    async put(key, value) {
      const stored = storable(value);
      // The lock keeps a session that is being deleted from leaving this row behind; a closed one learns nothing more.
      await query(
        database,
        `with live as (select 1 from streams where id = $1 and not sealed for key share)
         insert into session_knowledge (session_id, key_digest, digest, value) select $2, $3, $4, $5 from live
         on conflict (session_id, key_digest) do update set digest = excluded.digest, value = excluded.value where session_knowledge.digest <> excluded.digest`,
        [sessionStreamId(sessionId), sessionId, sha256(key), stored.digest, stored.bytes],
      );
      cache.set(`${sessionId} ${sha256(key)}`, { digest: stored.digest, value });
    },
    async replace(key, before, value) {
      const stored = storable(value);
      const changed = before === undefined ? insertFirst : updateUnchanged;
      const [row] = await query<{ replaced: boolean }>(
        database,
        // A closed session learns nothing more, and nobody is to try again for that.
        `with live as (select 1 from streams where id = $1 and not sealed for key share), changed as (${changed})
         select exists (select 1 from changed) or not exists (select 1 from live) as replaced`,
        [sessionStreamId(sessionId), sessionId, sha256(key), stored.digest, stored.bytes, ...(before === undefined ? [] : [sha256(before)])],
      );
      if (row?.replaced !== true) return false;
      cache.set(`${sessionId} ${sha256(key)}`, { digest: stored.digest, value });
      return true;
    },
  };
}

const insertFirst = 'insert into session_knowledge (session_id, key_digest, digest, value) select $2, $3, $4, $5 from live on conflict do nothing returning 1';
const updateUnchanged = 'update session_knowledge set digest = $4, value = $5 from live where session_id = $2 and key_digest = $3 and digest = $6 returning 1';

function storable(value: string): { readonly bytes: Buffer; readonly digest: string } {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length > largestValue) throw new MillraceError('payload-too-large', 'a value of session knowledge is at most 4 MiB');
  return { bytes, digest: sha256(bytes) };
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
