import { randomUUID } from 'node:crypto';
import type { Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { advanceStreams, insertEvents, planAppend } from '../event-store/append-to-streams.js';
import { composeStreamId, type Compose } from '../compose/compose.js';
import { decide, type ComposeCommand } from '../compose/compose-decisions.js';
import type { ComposeEvent } from '../compose/compose-events.js';
import { composeJson } from '../compose/compose-json.js';
import { evolve } from '../compose/compose-life.js';
import { MillraceError } from '../errors/millrace-error.js';
import { leaveMessage } from '../messaging/leave-message.js';
import { composeChangedChannel } from './compose-changes.js';
import { deleteTreeRow, projectComposes, writeComposes, writeTrees } from './compose-rows.js';
import { lockCompose, type LoadedCompose } from './load-composes.js';
import { readCompose, readQueuePosition } from './read-composes.js';

export interface RecordContext {
  readonly database: Database;
  /** One unit of work; see `libs/database/sql.ts`. */
  readonly transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
  readonly composeUrl: string;
  /** RFC 3339 in UTC with milliseconds. */
  readonly now: () => string;
}

export const stateChangedTopic = 'odcs.compose.state-changed';

/** Carries out a command in a transaction of its own; answers with the compose as it is then. */
export async function carryOut(context: RecordContext, id: number, command: ComposeCommand): Promise<Compose> {
  return context.transaction(async (sql) => composeOf(sql, await change(sql, context, { before: await lockCompose(sql, id), command })));
}

export interface Change {
  /** As it is under the lock of its stream. */
  readonly before: LoadedCompose;
  readonly command: ComposeCommand;
}

/** In the caller's transaction, which holds the streams' locks. Answers the composes as they are then, in the order of the changes. */
export async function changeAll(sql: Sql, { composeUrl }: Pick<RecordContext, 'composeUrl'>, changes: readonly Change[]): Promise<readonly LoadedCompose[]> {
  const decided = changes.map(({ before, command }) => apply(before, decide(command, before.life)));
  const changed = decided.filter(({ events }) => events.length > 0);
  if (changed.length > 0) await write(sql, composeUrl, changed);
  return decided.map(({ after }) => after);
}

export async function change(sql: Sql, context: Pick<RecordContext, 'composeUrl'>, one: Change): Promise<LoadedCompose> {
  const [after] = await changeAll(sql, context, [one]);
  return after ?? one.before;
}

interface Decided {
  readonly before: LoadedCompose;
  readonly after: LoadedCompose;
  readonly events: readonly ComposeEvent[];
}

function apply(before: LoadedCompose, events: readonly ComposeEvent[]): Decided {
  const after = { id: before.id, life: events.reduce(evolve, before.life), version: before.version + events.length };
  return { before, after, events };
}

async function write(sql: Sql, composeUrl: string, changed: readonly Decided[]): Promise<void> {
  const appends = changed.map(({ before, events }) => ({
    streamId: composeStreamId(before.id),
    expected: before.version,
    events: events.map(({ type, data }) => ({ eventId: randomUUID(), type, data })),
  }));
  const { results, rows, heads } = await planAppend(sql, appends, { lookForRepetitions: false });
  const refused = results.find((result) => result instanceof MillraceError);
  if (refused !== undefined) throw refused;
  const { composes, trees } = projectComposes(changed.map(({ after }) => after));
  await sql(writeAll, [JSON.stringify(rows), JSON.stringify(heads), composes, trees, composeChangedChannel, changed.map(({ after }) => `${after.id} ${after.version}`)]);
  for (const { before, after } of changed) {
    if (before.life.tree !== null && after.life.tree === null) await deleteTreeRow(sql, after.id);
    await announce(sql, composeUrl, { before, after });
  }
}

/** One round trip for everything that a command writes; who waits for a change hears of it when the transaction is committed. */
const writeAll = `with events_written as (${insertEvents('$1')}), streams_advanced as (${advanceStreams('$2')}), composes_written as (${writeComposes('$3')}), trees_written as (${writeTrees('$4')})
  select pg_notify($5, changed) from unnest($6::text[]) as changed`;

/** Clients are told of states, and of nothing else. */
async function announce(sql: Sql, composeUrl: string, { before, after }: Pick<Decided, 'before' | 'after'>): Promise<void> {
  const { compose } = after.life;
  if (compose === null || compose.state === before.life.compose?.state) return;
  const body = { event: 'state-changed', compose: composeJson({ ...compose, queuePosition: null, version: after.version }, { composeUrl }) };
  await leaveMessage(sql, { streamId: composeStreamId(after.id), topic: stateChangedTopic, body });
}

/** As the lock that the caller holds keeps it. */
export async function composeOf(sql: Sql, { id, life: { compose }, version }: LoadedCompose): Promise<Compose> {
  if (compose === null) throw new MillraceError('compose-not-found', 'No such compose found.');
  return { ...compose, version, queuePosition: compose.state === 'wait' ? await readQueuePosition(sql, id) : null };
}

export async function requireCompose(sql: Sql, id: number): Promise<Compose> {
  const compose = await readCompose(sql, id);
  if (compose === undefined) throw new MillraceError('compose-not-found', 'No such compose found.');
  return compose;
}
