import { inTransaction, query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import { changeAll, type Change } from '../compose-record/carry-out.js';
import { leaveForWorkflow } from '../compose-record/compose-outbox.js';
import { lockComposes } from '../compose-record/load-composes.js';
import { MillraceError } from '../errors/millrace-error.js';
import { leaveMessage } from '../messaging/leave-message.js';
import { composeNameStreamId, decidePromotion, decideRollback, nameNotFound, rollbackTargets, type ComposeNameEvent } from './compose-name-life.js';
import { lockName, makeNameStream, nameColumns, recordName, toComposeName, type LoadedName, type SelectedName } from './compose-name-rows.js';
import { composeNamePattern, type ComposeName, type ComposeNames } from './compose-names.js';
import { readNameHistory } from './name-history.js';

export interface ComposeNamesOptions {
  /** Public URL of the directory of composes, without a slash at its end: messages carry addresses. */
  readonly composeUrl: string;
  /** Seconds that a compose stays after a name has moved on from it. */
  readonly graceSeconds: number;
  readonly now?: () => Date;
}

export const nameChangedTopic = 'millrace.compose-name.changed';

const longestRequester = 500;

/** Stable names on PostgreSQL; see `compose-names.ts` for what they promise. Each command is one transaction that holds the name, then the composes. */
export function createComposeNames(database: Database, options: ComposeNamesOptions): ComposeNames {
  const { composeUrl, graceSeconds } = options;
  const now = (): string => (options.now?.() ?? new Date()).toISOString();

  /** Lets the name point elsewhere, holds the compose that it points at then and lets go of the one before. */
  async function record(sql: Sql, before: LoadedName, event: ComposeNameEvent): Promise<LoadedName> {
    const at = now();
    const { previousId } = event.data;
    const composeId = event.type === 'NameRemoved' ? null : event.data.composeId;
    const ids = [composeId, previousId].filter((id) => id !== null);
    const composes = await lockComposes(sql, ids);
    const changes = ids.flatMap((id): Change[] => {
      const compose = composes.get(id);
      return compose === undefined ? [] : [{ before: compose, command: { type: id === composeId ? 'NameCompose' : 'UnnameCompose', name: before.name, keepSeconds: graceSeconds, now: at } }];
    });
    await changeAll(sql, { composeUrl }, changes);
    for (const id of ids) await leaveForWorkflow(sql, id, 'changed');
    const after = await recordName(sql, before, event);
    await leaveMessage(sql, { streamId: composeNameStreamId(before.name), topic: nameChangedTopic, body: messageOf(before.name, event, composeUrl) });
    return after;
  }

  async function rollbackTarget(sql: Sql, { name, life }: LoadedName, to: number | undefined): Promise<number> {
    const targets = rollbackTargets(life);
    if (to !== undefined && to !== life.current?.composeId && !targets.includes(to)) {
      throw new MillraceError('invalid-request', `the name ${name} has not pointed at compose ${to} lately`, { suggestion: 'Its history shows where it pointed; to point it at any other compose, promote that one by force.' });
    }
    if (to !== undefined) return to;
    const rows = await sql<{ id: string }>(`select id from composes where id = any($1::bigint[]) and state = ${composeStates.done} and removed_by is null`, [targets]);
    const left = new Set(rows.map((row) => Number(row.id)));
    const target = targets.find((id) => left.has(id));
    if (target !== undefined) return target;
    throw new MillraceError('compose-closed', `the name ${name} has no compose to go back to: ${targets.length === 0 ? 'it has pointed at one only' : 'those before have expired'}`, {
      suggestion: 'PATCH /api/1/composes/<id> makes a compose with the packages of one that has expired; then let the name point at that by force.',
    });
  }

  return {
    async promote(name, composeId, { by, force = false }) {
      checkName(name);
      checkRequester(by);
      return inTransaction(database, async ({ sql }) => {
        await makeNameStream(sql, name);
        const before = await lockName(sql, name);
        const promoted = decidePromotion(before.life, { composeId, by, force, now: now() });
        if (promoted === undefined) return current(before);
        await requirePublic(sql, composeId);
        return current(await record(sql, before, promoted));
      });
    },

    async rollBack(name, { by, to }) {
      requirePossible(name);
      checkRequester(by);
      return inTransaction(database, async ({ sql }) => {
        const before = await lockName(sql, name);
        if (before.life.current === null) throw nameNotFound(name);
        const rolledBack = decideRollback(before.life, { composeId: await rollbackTarget(sql, before, to), by, now: now() });
        return current(rolledBack === undefined ? before : await record(sql, before, rolledBack));
      });
    },

    async remove(name, by) {
      requirePossible(name);
      checkRequester(by);
      await inTransaction(database, async ({ sql }) => {
        const before = await lockName(sql, name);
        if (before.life.current === null) throw nameNotFound(name);
        await record(sql, before, { type: 'NameRemoved', data: { previousId: before.life.current.composeId, removedAt: now(), by } });
      });
    },

    async get(name) {
      requirePossible(name);
      const [row] = await query<SelectedName>(database, `select ${nameColumns} from compose_names where name = $1`, [name]);
      if (row === undefined) throw nameNotFound(name);
      return toComposeName(row);
    },

    async list({ limit, after = '' }) {
      const rows = await query<SelectedName>(database, `select ${nameColumns} from compose_names where name collate "C" > $1 order by name collate "C" limit $2`, [after, limit]);
      return rows.map(toComposeName);
    },

    async history(name, limit) {
      requirePossible(name);
      return readNameHistory(database, name, limit);
    },
  };
}

function current({ name, life }: LoadedName): ComposeName {
  if (life.current === null) throw nameNotFound(name);
  return { name, ...life.current };
}

/** Errors: `invalid-request`. */
export function checkName(name: string): void {
  if (composeNamePattern.test(name)) return;
  throw new MillraceError('invalid-request', `${JSON.stringify(name.slice(0, 140))} is not a name for composes`, {
    suggestion: 'Use at most 128 of a-z, 0-9, ".", "_" and "-", the first a letter or digit, and no .repo, .json or .mirrors at the end.',
  });
}

/** There is nothing under a name that may not be. */
function requirePossible(name: string): void {
  if (!composeNamePattern.test(name)) throw nameNotFound(name);
}

function checkRequester(by: string): void {
  if (by.length > longestRequester || by.includes('\0') || !by.isWellFormed()) throw new MillraceError('invalid-request', `whoever changes a name is told in at most ${longestRequester} characters, without NUL`);
}

/** Files in other target directories have no address. Whether it is done is decided under its lock. */
async function requirePublic(sql: Sql, composeId: number): Promise<void> {
  const [row] = Number.isSafeInteger(composeId) ? await sql<{ request: string }>('select request from composes where id = $1', [composeId]) : [];
  if (row === undefined) throw new MillraceError('compose-not-found', 'No such compose found.');
  const { targetDir } = JSON.parse(row.request) as { readonly targetDir: string };
  if (targetDir !== 'default') throw new MillraceError('invalid-request', `Compose (id=${composeId}) is in the target directory ${targetDir}, which has no public address: no name can point at it.`);
}

const kinds = { NamePromoted: 'promoted', NameRolledBack: 'rolled-back', NameRemoved: 'removed' } as const;

/** What the outside is told; docs/reference/compose-names.md has the keys. */
function messageOf(name: string, { type, data }: ComposeNameEvent, composeUrl: string): object {
  const composeId = 'composeId' in data ? data.composeId : null;
  return {
    event: 'compose-name-changed',
    name,
    kind: kinds[type],
    compose_id: composeId,
    previous_compose_id: data.previousId,
    by: data.by,
    at: 'since' in data ? data.since : data.removedAt,
    url: composeId === null ? null : `${composeUrl}/latest/${name}/`,
  };
}
