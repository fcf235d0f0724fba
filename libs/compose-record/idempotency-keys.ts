import { createHash } from 'node:crypto';
import type { Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { RecordContext } from './carry-out.js';
import type { ComposeRequester } from './compose-commands.js';
import { canonicalDigest } from './inputs-digest.js';

interface KeyUse {
  readonly requester: ComposeRequester;
  /** What is asked for: the same key for something else is a mistake. */
  readonly content: object;
  /** Answer to whoever uses the key again. */
  readonly composeId: number;
}

const keptSeconds = 86_400;

/**
 * The compose of the request before, if its owner has used the key; undefined: this is the first. Of two at once the second waits here.
 * Errors: `idempotency-conflict`.
 */
export async function rememberKey(sql: Sql, context: Pick<RecordContext, 'now'>, { requester, content, composeId }: KeyUse): Promise<number | undefined> {
  const { owner, idempotencyKey } = requester;
  if (idempotencyKey === undefined) return undefined;
  const now = context.now();
  const keyDigest = digestOf(idempotencyKey);
  const digest = canonicalDigest(content);
  const remembered = await sql(
    `insert into compose_idempotency as known (owner, key_digest, request_digest, compose_id, expires_at) values ($1, $2, $3, $4, $5::timestamptz + make_interval(secs => ${keptSeconds}))
     on conflict (owner, key_digest) do update set request_digest = excluded.request_digest, compose_id = excluded.compose_id, expires_at = excluded.expires_at
     where known.expires_at <= $5::timestamptz returning compose_id`,
    [owner, keyDigest, digest, composeId, now],
  );
  if (remembered.length > 0) {
    await sql('delete from compose_idempotency where (owner, key_digest) in (select owner, key_digest from compose_idempotency where expires_at <= $1::timestamptz order by expires_at limit 100 for update skip locked)', [now]);
    return undefined;
  }
  return findUse(sql, { owner, keyDigest, digest });
}

/** The request turned out to answer another compose than a new one. */
export async function correctKey(sql: Sql, { owner, idempotencyKey }: ComposeRequester, composeId: number): Promise<void> {
  if (idempotencyKey === undefined) return;
  await sql('update compose_idempotency set compose_id = $3 where owner = $1 and key_digest = $2', [owner, digestOf(idempotencyKey), composeId]);
}

async function findUse(sql: Sql, { owner, keyDigest, digest }: { readonly owner: string; readonly keyDigest: string; readonly digest: string }): Promise<number> {
  const [known] = await sql<{ request_digest: string; compose_id: string }>('select request_digest, compose_id from compose_idempotency where owner = $1 and key_digest = $2', [owner, keyDigest]);
  if (known === undefined) throw new MillraceError('record-conflict', 'the idempotency key has just run out', { suggestion: 'Send the request again.' });
  if (known.request_digest !== digest) throw new MillraceError('idempotency-conflict', 'this Idempotency-Key was used for another request', { suggestion: 'Use a new key for each request, and the same key only to repeat it.' });
  return Number(known.compose_id);
}

function digestOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}
