import type { Sql } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { unborn } from '../compose/compose-life.js';
import type { RuleCause } from '../compose-rules/rule-cause.js';
import { MillraceError } from '../errors/millrace-error.js';
import { rememberCause } from '../rule-record/rule-causes.js';
import { change, composeOf, requireCompose, type RecordContext } from './carry-out.js';
import { leaveForWorkflow } from './compose-outbox.js';
import type { ComposeRequester } from './compose-commands.js';
import { rememberKey } from './idempotency-keys.js';
import { takeFromQuota } from './owner-quota.js';

/** Longer ones have no place in an index. */
const longestName = 500;

export async function requestCompose(context: RecordContext, request: ComposeRequest, requester: ComposeRequester & { readonly cause?: RuleCause }): Promise<{ readonly compose: Compose; readonly repeated: boolean }> {
  checkText(request, requester);
  return context.transaction(async (sql) => {
    const id = await nextId(sql);
    const { cause } = requester;
    const before = (cause === undefined ? undefined : await rememberCause(sql, cause, id)) ?? (await rememberKey(sql, context, { requester, content: request, composeId: id }));
    if (before !== undefined) return { compose: await requireCompose(sql, before), repeated: true };
    await takeFromQuota(sql, requester.owner, requester.quota);
    return { compose: await createCompose(sql, context, { id, request, owner: requester.owner }), repeated: false };
  });
}

export async function nextId(sql: Sql): Promise<number> {
  const [row] = await sql<{ id: string }>(`select nextval('compose_ids') as id`);
  return Number(row?.id);
}

/** In the caller's transaction. */
export async function createCompose(sql: Sql, context: RecordContext, { id, request, owner }: { readonly id: number; readonly request: ComposeRequest; readonly owner: string }): Promise<Compose> {
  const created = await change(sql, context, { before: { id, life: unborn, version: 0 }, command: { type: 'RequestCompose', composeId: id, owner, request, now: context.now() } });
  await leaveForWorkflow(sql, id, 'start');
  return composeOf(sql, created);
}

/** PostgreSQL has no NUL in texts, and JSON of half a surrogate pair cannot be stored. */
export function checkText(request: ComposeRequest, { owner, idempotencyKey = '' }: ComposeRequester): void {
  for (const [name, value] of [['owner', owner], ['label', request.label ?? ''], ['compose_type', request.composeType]] as const) {
    if (value.length > longestName) throw new MillraceError('invalid-request', `${name} is longer than ${longestName} characters`);
  }
  if (/\\u0000|\\ud[89a-f][0-9a-f]{2}/.test(JSON.stringify([request, owner, idempotencyKey]))) throw new MillraceError('invalid-request', 'the request has a NUL or half a character in a text');
}
