import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { changesList, decideChange, rewritingKinds } from '../repository/decide-change.js';
import type { ListChange } from '../repository/list-change.js';
import type { ListDraft } from '../repository/list-draft.js';
import type { ChangeOutcome, PlannedState, RepositoryChange } from '../repository/repository-change.js';
import { endUnchanged, ending, fail } from './end-changes.js';
import { readPlan, writePlan } from './planned-states.js';
import { prepareChanges } from './prepare-changes.js';
import { provenanceOf } from './provenance.js';
import type { RecordOptions } from './record-options.js';
import { lockRepository, type LoadedRepository } from './repository-stream.js';
import { readOffers, readReadyChanges } from './waiting-changes.js';

/** Of several that plan at once one decides, and the others are given what it has decided. */
export async function planState(database: Database, name: string, { options, limit }: { readonly options: RecordOptions; readonly limit: number }): Promise<PlannedState | undefined> {
  for (;;) {
    const round = await inTransaction(database, async ({ sql }) => {
      const repository = await lockRepository(sql, name);
      const planned = await readPlan(sql, name);
      if (planned !== undefined) return { planned };
      const changes = await readReadyChanges(sql, name, limit);
      if (changes.length === 0) return { planned: undefined };
      await planChanges(sql, repository, changes, options);
      const made = await readPlan(sql, name);
      // All of these have failed, or change nothing; others may wait.
      return made === undefined ? undefined : { planned: made };
    });
    if (round !== undefined) return round.planned;
  }
}

interface Accepted {
  readonly change: RepositoryChange;
  readonly decided: ListChange;
}

async function planChanges(sql: Sql, repository: LoadedRepository, changes: readonly RepositoryChange[], options: RecordOptions): Promise<void> {
  const at = options.now();
  const offers = await readOffers(sql, repository.name, changes);
  const batch = await prepareChanges(sql, repository, { changes, offers });
  const context = { settings: repository.settings, compareVersions: options.compareVersions[repository.kind], at };
  const accepted: Accepted[] = [];
  for (const { change, prepared } of batch.changes) {
    const decided = decideChange(batch.draft, prepared, context);
    if (decided.problem !== undefined) await fail(sql, repository, { change: ending(change), problem: decided.problem, at, options });
    else if (accepted.length === 0 && !changesList(decided) && !rewritingKinds.has(change.request.kind)) await endUnchanged(sql, change.id, outcomeOf(decided, repository.state), at);
    else {
      batch.draft.apply(decided);
      accepted.push({ change, decided });
    }
  }
  if (accepted.length > 0) await writeAccepted(sql, repository, { accepted, draft: batch.draft, at });
}

async function writeAccepted(sql: Sql, repository: LoadedRepository, { accepted, draft, at }: { readonly accepted: readonly Accepted[]; readonly draft: ListDraft; readonly at: string }): Promise<void> {
  const { name, settings, state: before, bytes } = repository;
  const state = repository.lastState + 1;
  const { added, removed } = draft.difference();
  const known = new Set(added.filter(({ key }) => draft.isRecorded(key)).map(({ key }) => key));
  const sum = (list: readonly { readonly size: number }[]): number => list.reduce((total, { size }) => total + size, 0);
  const plan = { repository: name, state, before, changes: accepted.map(({ change }) => change.id), added, removed, at: await notBefore(sql, repository, at), settings };
  await writePlan(sql, { ...plan, bytes: bytes + sum(added) - sum(removed), known, provenance: await provenanceOf(sql, accepted) });
  const outcomes = accepted.map(({ change, decided }) => ({ id: change.id, outcome: JSON.stringify(outcomeOf(decided, state)) }));
  await sql(`update repository_changes c set phase = 'planned', state = $1, outcome = o.outcome from json_to_recordset($2::json) as o(id uuid, outcome text) where c.id = o.id`, [state, JSON.stringify(outcomes)]);
}

/** Indexes that are newer never say that they are older, whatever the clocks of two machines say. */
async function notBefore(sql: Sql, { name, state }: LoadedRepository, at: string): Promise<string> {
  const [row] = await sql<{ at: string }>(`select to_char(greatest(at, $3::timestamptz) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at from repository_states where repository = $1 and state = $2`, [name, state, at]);
  return row?.at ?? at;
}

function outcomeOf({ added, same, removed, obsoleted }: ListChange, state: number): ChangeOutcome {
  const keys = (list: readonly { readonly key: string }[]): string[] => list.map(({ key }) => key);
  return { state, added: keys(added), same, removed: keys(removed), obsoleted: keys(obsoleted) };
}
