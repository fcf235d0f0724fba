import { createHash } from 'node:crypto';
import { inTransaction, type Sql } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { unborn } from '../compose/compose-life.js';
import { MillraceError } from '../errors/millrace-error.js';
import { change, requireCompose, type RecordContext } from './carry-out.js';
import { leaveForWorkflow } from './compose-outbox.js';
import { canonicalDigest } from './inputs-digest.js';

export interface ComposeRequester {
  readonly owner: string;
  readonly idempotencyKey?: string;
}

/** Longer ones have no place in an index. */
const longestName = 500;
const keptSeconds = 86_400;

export async function requestCompose(context: RecordContext, request: ComposeRequest, requester: ComposeRequester): Promise<{ readonly compose: Compose; readonly repeated: boolean }> {
  checkText(request, requester);
  return inTransaction(context.database, async ({ sql }) => {
    const id = await nextId(sql);
    const before = await rememberKey(sql, context, { id, request, requester });
    if (before !== undefined) return { compose: await requireCompose(sql, before), repeated: true };
    return { compose: await createCompose(sql, context, { id, request, owner: requester.owner }), repeated: false };
  });
}

export async function nextId(sql: Sql): Promise<number> {
  const [row] = await sql<{ id: string }>(`select nextval('compose_ids') as id`);
  return Number(row?.id);
}

/** In the caller's transaction. */
export async function createCompose(sql: Sql, context: RecordContext, { id, request, owner }: { readonly id: number; readonly request: ComposeRequest; readonly owner: string }): Promise<Compose> {
  await change(sql, context, { before: { id, life: unborn, version: 0 }, command: { type: 'RequestCompose', composeId: id, owner, request, now: context.now() } });
  await leaveForWorkflow(sql, id, 'start');
  return requireCompose(sql, id);
}

/** Answers the compose of a request before, if the key was used then; of two at once the second waits here. */
async function rememberKey(sql: Sql, context: RecordContext, { id, request, requester }: { readonly id: number; readonly request: ComposeRequest; readonly requester: ComposeRequester }): Promise<number | undefined> {
  const { owner, idempotencyKey } = requester;
  if (idempotencyKey === undefined) return undefined;
  const now = context.now();
  const keyDigest = createHash('sha256').update(idempotencyKey, 'utf8').digest('hex');
  const digest = canonicalDigest(request);
  const remembered = await sql(
    `insert into compose_idempotency as known (owner, key_digest, request_digest, compose_id, expires_at) values ($1, $2, $3, $4, $5::timestamptz + make_interval(secs => ${keptSeconds}))
     on conflict (owner, key_digest) do update set request_digest = excluded.request_digest, compose_id = excluded.compose_id, expires_at = excluded.expires_at
     where known.expires_at <= $5::timestamptz returning compose_id`,
    [owner, keyDigest, digest, id, now],
  );
  if (remembered.length > 0) {
    await sql('delete from compose_idempotency where (owner, key_digest) in (select owner, key_digest from compose_idempotency where expires_at <= $1::timestamptz order by expires_at limit 100 for update skip locked)', [now]);
    return undefined;
  }
  const [known] = await sql<{ request_digest: string; compose_id: string }>('select request_digest, compose_id from compose_idempotency where owner = $1 and key_digest = $2', [owner, keyDigest]);
  if (known === undefined) throw new MillraceError('record-conflict', 'the idempotency key has just run out', { suggestion: 'Send the request again.' });
  if (known.request_digest !== digest) throw new MillraceError('idempotency-conflict', 'this Idempotency-Key was used for another request', { suggestion: 'Use a new key for each request, and the same key only to repeat it.' });
  return Number(known.compose_id);
}

/** PostgreSQL has no NUL in texts, and JSON of half a surrogate pair cannot be stored. */
function checkText(request: ComposeRequest, { owner, idempotencyKey = '' }: ComposeRequester): void {
  for (const [name, value] of [['owner', owner], ['label', request.label ?? ''], ['compose_type', request.composeType]] as const) {
    if (value.length > longestName) throw new MillraceError('invalid-request', `${name} is longer than ${longestName} characters`);
  }
  if (/\\u0000|\\ud[89a-f][0-9a-f]{2}/.test(JSON.stringify([request, owner, idempotencyKey]))) throw new MillraceError('invalid-request', 'the request has a NUL or half a character in a text');
}
