import type { Sql } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { after } from '../compose/compose-decisions.js';
import type { RecordedCompose } from '../compose/compose-life.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';
import { changeAll, requireCompose, type RecordContext } from './carry-out.js';
import type { ComposeRenewal, ComposeRequester } from './compose-commands.js';
import { leaveForWorkflow } from './compose-outbox.js';
import { correctKey, rememberKey } from './idempotency-keys.js';
import { lockComposes, type LoadedCompose } from './load-composes.js';
import { keepWithinQuota, takeFromQuota } from './owner-quota.js';
import { checkText, createCompose, nextId } from './request-compose.js';

export interface RenewalLimits {
  readonly secondsToLive: number;
  readonly maximumSecondsToLive: number;
}

interface Renewal {
  readonly id: number;
  readonly change: ComposeRenewal;
  readonly requester: ComposeRequester;
  readonly timeToLiveOf: (request: ComposeRequest) => RenewalLimits;
}

/** As ODCS decides it (../shared/reference/odcs.md, section 3): what is done and stays as it is lives longer; everything else is made again under a new id. */
export async function renewCompose(context: RecordContext, renewal: Renewal): Promise<Compose> {
  const { id, change, requester } = renewal;
  return context.transaction(async (sql) => {
    const newId = await nextId(sql);
    const before = await rememberKey(sql, context, { requester, content: { renew: id, ...change }, composeId: newId });
    if (before !== undefined) return requireCompose(sql, before);
    const locked = await lockComposes(sql, [id, ...(await readRelated(sql, id))]);
    const old = locked.get(id)?.life.compose ?? null;
    if (old === null || old.state === 'wait' || old.state === 'generating') throw new MillraceError('compose-not-found', `No compose with id ${id} found`);
    const secondsToLive = timeToLive(change, renewal.timeToLiveOf(old.request));
    if (needsCopy(old, change)) {
      const request = copyOf(old, change, secondsToLive);
      checkText(request, requester);
      await takeFromQuota(sql, requester.owner, requester.quota);
      return createCompose(sql, context, { id: newId, request, owner: requester.owner });
    }
    await correctKey(sql, requester, id);
    if (old.owner === requester.owner) await keepWithinQuota(sql, requester.owner, requester.quota);
    return extend(sql, context, { locked, id, by: requester.owner, secondsToLive });
  });
}

interface Extension {
  readonly locked: ReadonlyMap<number, LoadedCompose>;
  readonly id: number;
  readonly by: string;
  readonly secondsToLive: number;
}

async function extend(sql: Sql, context: RecordContext, { locked, id, by, secondsToLive }: Extension): Promise<Compose> {
  const now = context.now();
  const done = [...locked.values()].filter(({ life }) => life.compose?.state === 'done');
  await changeAll(sql, context, done.map((before) => ({ before, command: { type: 'ExtendCompose', until: after(now, secondsToLive), by, renewedId: id, now } })));
  await leaveForWorkflow(sql, id, 'changed');
  return requireCompose(sql, id);
}

/** The compose whose files it has, and those that have its files. */
async function readRelated(sql: Sql, id: number): Promise<readonly number[]> {
  const rows = await sql<{ id: string }>(
    `select c.id from composes c where c.state = ${composeStates.done} and c.promises = $1 and c.id <> $1
     union select t.id from composes c join composes t on t.id = c.promises where c.id = $1 and t.id <> $1 and t.state = ${composeStates.done}`,
    [id],
  );
  return rows.map((row) => Number(row.id));
}

function timeToLive(change: ComposeRenewal, { secondsToLive, maximumSecondsToLive }: RenewalLimits): number {
  const wanted = change.secondsToLive ?? secondsToLive;
  if (!Number.isSafeInteger(wanted) || wanted < 0) throw new MillraceError('invalid-request', 'the time to live is a whole number of seconds');
  return Math.min(wanted === 0 ? secondsToLive : wanted, maximumSecondsToLive);
}

function needsCopy(old: RecordedCompose, { label, sigkeys, builds, modules }: ComposeRenewal): boolean {
  return old.state !== 'done' || otherLabel(old, label) || otherSigkeys(old, sigkeys) || builds !== undefined || modules !== undefined;
}

function otherLabel({ request }: RecordedCompose, label: string | undefined): boolean {
  return label !== undefined && label !== '' && label !== request.label;
}

/** Their order is the order of preference, so it counts. */
function otherSigkeys({ request }: RecordedCompose, sigkeys: readonly string[] | undefined): boolean {
  return sigkeys !== undefined && sigkeys.join(' ') !== request.sigkeys.join(' ');
}

/**
 * The very packages again, by the plan of then. With other keys, builds or modules these cannot be the same: such a copy keeps what was asked for
 * (sources, event, everything else) and is resolved anew.
 */
function copyOf(old: RecordedCompose, change: ComposeRenewal, secondsToLive: number): ComposeRequest {
  const { request } = old;
  const samePackages = !otherSigkeys(old, change.sigkeys) && nothing(change.builds) && nothing(change.modules);
  return {
    ...request,
    secondsToLive,
    kojiEvent: old.kojiEvent,
    label: change.label === undefined || change.label === '' ? request.label : change.label,
    sigkeys: change.sigkeys ?? request.sigkeys,
    builds: nothing(change.builds) ? request.builds : (change.builds ?? []),
    modules: nothing(change.modules) ? request.modules : (change.modules ?? []),
    respinOf: old.pungiComposeId,
    // A plan of Pungi has its configuration, and leaves the packages to Pungi.
    pinnedPlan: samePackages || request.sourceType === 'raw_config' ? (old.plan ?? request.pinnedPlan) : null,
  };
}

/** ODCS takes an empty list for no list, except that it makes a copy. */
function nothing(list: readonly string[] | undefined): boolean {
  return list === undefined || list.length === 0;
}
