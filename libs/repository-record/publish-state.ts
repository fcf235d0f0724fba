import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { ChangeProblem, ChangeKind, IndexFile } from '../repository/repository-change.js';
import { eventEntries, type PackagesListed } from '../repository/repository-events.js';
import type { Repository } from '../repository/repository.js';
import { endFailed } from './end-changes.js';
import { dropPlan, readPlanHead, readPlannedPackages, type RecordedPlanned } from './planned-states.js';
import type { RecordOptions } from './record-options.js';
import { stateNotFound } from './record-problems.js';
import { tellOutside } from './repository-messages.js';
import { lockRepository, readRepository, recordEvents, type LoadedRepository } from './repository-stream.js';

interface StateReference {
  readonly repository: string;
  readonly state: number;
}

/** Errors: `state-not-found`: it is planned no more. */
export async function publishState(database: Database, { repository: name, state }: StateReference, { index, options }: { readonly index: readonly IndexFile[]; readonly options: RecordOptions }): Promise<Repository> {
  return inTransaction(database, async ({ sql }) => {
    const repository = await lockRepository(sql, name);
    const done = await sql('select 1 from repository_states where repository = $1 and state = $2', [name, state]);
    if (done.length > 0) return plain(repository);
    const plan = await readPlanHead(sql, name);
    if (plan?.state !== state) throw stateNotFound(name, state);
    const publishedAt = options.now();
    const packages = await readPlannedPackages(sql, name);
    const changes = await readPlannedChanges(sql, name);
    const added = packages.filter(({ listed }) => listed).map(({ key }) => key);
    const removed = packages.filter(({ listed }) => !listed).map(({ key }) => key);
    const count = repository.packages + added.length - removed.length;
    for (let from = 0; from < packages.length; from += eventEntries) await recordEvents(sql, name, [listing(state, packages.slice(from, from + eventEntries), publishedAt)]);
    await recordEvents(sql, name, [
      { type: 'StatePublished', data: { state, before: plan.before, at: plan.at, publishedAt, changes, packages: count, bytes: plan.bytes, added: added.length, removed: removed.length, index } },
    ]);
    await sql(`update repository_changes set phase = 'done', ended_at = $2 where repository = $1 and phase = 'planned'`, [name, publishedAt]);
    await dropPlan(sql, name);
    await tellOutside(sql, options, name, { kind: 'published', state, before: plan.before, changes, packages: count, added, removed, at: publishedAt });
    return plain(await readRepository(sql, name));
  });
}

interface PlannedChange {
  readonly id: string;
  readonly kind: ChangeKind;
  readonly by: string;
  readonly force: boolean;
}

function listing(state: number, packages: readonly RecordedPlanned[], at: string): PackagesListed {
  const added = packages.filter(({ listed, known }) => listed && !known).map(({ listed: _listed, known: _known, upload: _upload, ...published }) => published);
  const keys = (some: readonly RecordedPlanned[]): string[] => some.map(({ key }) => key);
  return { type: 'PackagesListed', data: { state, added, relisted: keys(packages.filter(({ listed, known }) => listed && known)), removed: keys(packages.filter(({ listed }) => !listed)), at } };
}

/** Errors: `record-conflict`: it is not to come any more. */
export async function beginSwitching(database: Database, { repository: name, state }: StateReference): Promise<void> {
  await inTransaction(database, async ({ sql }) => {
    await lockRepository(sql, name);
    const rows = await sql('update repository_plans set switching = true where repository = $1 and state = $2 returning 1 as found', [name, state]);
    if (rows.length === 0) throw notToCome(name, state);
  });
}

const notToCome = (name: string, state: number): MillraceError => new MillraceError('record-conflict', `state ${state} of ${name} is not the one to come: it was published or abandoned meanwhile`);

export interface Abandonment {
  readonly problem: ChangeProblem;
  /** Undefined: all; empty: none. */
  readonly culprits: readonly string[] | undefined;
  readonly options: RecordOptions;
}

/** Fine when it was abandoned before. Errors: `record-conflict`: clients may have seen some of it. */
export async function abandonState(database: Database, { repository: name, state }: StateReference, abandonment: Abandonment): Promise<void> {
  await inTransaction(database, async ({ sql }) => {
    const repository = await lockRepository(sql, name);
    const plan = await readPlanHead(sql, name);
    const published = await sql('select 1 from repository_states where repository = $1 and state = $2', [name, state]);
    if (published.length > 0) throw notToCome(name, state);
    if (plan?.state !== state) return;
    if (plan.switching) throw new MillraceError('record-conflict', `state ${state} of ${name} is being switched to: clients may see it, and it is carried through`);
    await abandon(sql, repository, state, abandonment);
  });
}

async function abandon(sql: Sql, { name, state: visible }: LoadedRepository, state: number, { problem, culprits, options }: Abandonment): Promise<void> {
  const at = options.now();
  const changes = await readPlannedChanges(sql, name);
  const named = changes.filter(({ id }) => culprits?.includes(id));
  // Where those who are blamed are not among them, everybody is: the rest would be planned the same way for ever.
  const failing = named.length > 0 || culprits?.length === 0 ? named : changes;
  const ids = failing.map(({ id }) => id);
  await endFailed(sql, ids, problem, at);
  await sql(`update repository_changes set phase = 'waiting', state = null, outcome = null where repository = $1 and phase = 'planned'`, [name]);
  await recordEvents(sql, name, [{ type: 'StateAbandoned', data: { state, changes: ids, problem, abandonedAt: at } }]);
  await dropPlan(sql, name);
  if (failing.length > 0) await tellOutside(sql, options, name, { kind: 'failed', state: visible, changes: failing, problem, at });
}

function readPlannedChanges(sql: Sql, name: string): Promise<PlannedChange[]> {
  return sql<PlannedChange>(`select id, kind, requested_by as by, forced as force from repository_changes where repository = $1 and phase = 'planned' order by number`, [name]);
}

/** Without what only the record knows. */
export function plain({ lastState: _lastState, ...repository }: LoadedRepository): Repository {
  return repository;
}
