import { inTransaction, query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { ComposeCommand } from '../compose/compose-decisions.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Compose } from '../compose/compose.js';
import { carryOut, change, composeOf, type RecordContext } from './carry-out.js';
import { claimTree } from './claim-tree.js';
import type { ComposeCommands } from './compose-commands.js';
import { isoUtc } from '../database/iso-utc.js';
import { leaveForWorkflow } from './compose-outbox.js';
import { lockCompose } from './load-composes.js';
import { forgetTree, releasableTrees } from './release-trees.js';
import { renewCompose, type RenewalLimits } from './renew-compose.js';
import { requestCompose } from './request-compose.js';
import { takeTurns } from './take-turns.js';

export interface ComposeCommandOptions {
  /** Public URL of the default target directory, without a slash at its end: messages carry it. */
  readonly composeUrl: string;
  /** Of renewals that say nothing. */
  readonly secondsToLive: number;
  /** Of renewals. */
  readonly maximumSecondsToLive: number;
  /** Of renewals of this, where it has limits of its own. */
  readonly timeToLiveOf?: (request: ComposeRequest) => RenewalLimits;
  /** Seconds for which what a name points at is renewed whenever it is due; a day unless told. */
  readonly nameGraceSeconds?: number;
  readonly now?: () => Date;
}

/** Longest state reason; an engine may name thousands of packages. */
const longestReason = 65_536;

/** Leaves connections of the pool to those who read. */
const turns = { limit: 8, milliseconds: 60_000 };

/** The commands on PostgreSQL; see `compose-commands.ts` for what they promise. */
export function createComposeCommands(database: Database, options: ComposeCommandOptions): ComposeCommands {
  const { composeUrl, secondsToLive, maximumSecondsToLive, nameGraceSeconds = 86_400, timeToLiveOf = () => ({ secondsToLive, maximumSecondsToLive }) } = options;
  const now = (): string => (options.now?.() ?? new Date()).toISOString();
  const inTurn = takeTurns(turns);
  const context: RecordContext = { database, composeUrl, now, transaction: (work) => inTurn(() => inTransaction(database, ({ sql }) => work(sql))) };

  return {
    request: (request, requester) => requestCompose(context, request, requester),
    begin: (id) => carryOut(context, id, { type: 'BeginGeneration', now: now() }),

    async pin(id, inputs) {
      return context.transaction(async (sql) => {
        const { life } = await change(sql, context, { before: await lockCompose(sql, id), command: { type: 'PinSources', inputs } });
        if (life.inputs === null) throw new MillraceError('internal', 'what has been pinned is there');
        return life.inputs;
      });
    },

    async unpin(id, reason) {
      await carryOut(context, id, { type: 'UnpinSources', reason: storable(reason) });
    },

    claimTree: (id, isThere) => claimTree(context, id, isThere),
    complete: (id, tree) => carryOut(context, id, { type: 'CompleteCompose', tree, now: now() }),
    fail: (id, reason, { final }) => carryOut(context, id, { type: 'FailCompose', reason: storable(reason), final, now: now() }),
    cancel: (id, by) => tellWorkflow(context, id, { type: 'CancelCompose', by: storable(by), now: now() }),
    remove: (id, by) => tellWorkflow(context, id, { type: 'RemoveCompose', by: storable(by), now: now() }),
    renew: (id, renewal, requester) => renewCompose(context, { id, change: renewal, requester, timeToLiveOf }),

    async expire(id) {
      // Files are gone for ever, so a clock that has jumped ahead must not be enough: the database's has to agree.
      const earlier = [now(), await databaseNow(database)].sort()[0] ?? now();
      const { state, expiresAt } = await carryOut(context, id, { type: 'ExpireCompose', keepSeconds: nameGraceSeconds, now: earlier });
      return { removed: state === 'removed', dueAt: expiresAt };
    },

    async followers(id) {
      const rows = await query<{ id: string }>(database, `select id from composes where promises = $1 and id <> $1 and state = ${composeStates.generating} order by id`, [id]);
      return rows.map((row) => Number(row.id));
    },

    releasableTrees: (limit) => releasableTrees(context, limit),
    forgetTree: (tree) => forgetTree(context, tree),
  };
}

async function databaseNow(database: Database): Promise<string> {
  const [row] = await query<{ now: string }>(database, `select ${isoUtc('clock_timestamp()')} as now`);
  if (row === undefined) throw new MillraceError('internal', 'the database did not say what time it is');
  return row.now;
}

/** For commands that others than the workflow give, too. */
async function tellWorkflow(context: RecordContext, id: number, command: ComposeCommand): Promise<Compose> {
  return context.transaction(async (sql) => {
    const before = await lockCompose(sql, id);
    const after = await change(sql, context, { before, command });
    if (after.version > before.version) await leaveForWorkflow(sql, id, 'changed');
    return composeOf(sql, after);
  });
}

/** Reasons quote hostile documents: PostgreSQL has no NUL in texts, and JSON of half a surrogate pair cannot be stored. */
function storable(text: string): string {
  const whole = text.replaceAll('\0', '\u{fffd}').toWellFormed();
  return whole.length > longestReason ? `${whole.slice(0, longestReason).toWellFormed()}…` : whole;
}
