import type { Sql } from '../database/sql.js';
import type { ChangeOutcome, ChangeProblem, RepositoryChange } from '../repository/repository-change.js';
import type { RecordOptions } from './record-options.js';
import { tellOutside, type ToldChange } from './repository-messages.js';
import { recordEvents, type LoadedRepository } from './repository-stream.js';

export const ending = ({ id, request, by }: RepositoryChange): ToldChange => ({ id, kind: request.kind, by });

/** Its packages are there already: nobody sees a difference. */
export async function endUnchanged(sql: Sql, id: string, outcome: ChangeOutcome, at: string): Promise<void> {
  await sql(`update repository_changes set phase = 'done', state = $2, outcome = $3, ended_at = $4 where id = $1`, [id, outcome.state, JSON.stringify(outcome), at]);
}

export async function endFailed(sql: Sql, ids: readonly string[], problem: ChangeProblem, at: string): Promise<void> {
  await sql(`update repository_changes set phase = 'failed', problem = $2, outcome = null, ended_at = $3 where id = any($1::uuid[])`, [ids, JSON.stringify(problem), at]);
}

export interface Failure {
  readonly change: ToldChange;
  readonly problem: ChangeProblem;
  readonly at: string;
  readonly options: RecordOptions;
}

/** One of the held repository, with what is recorded and told of it. */
export async function fail(sql: Sql, { name, state }: LoadedRepository, { change, problem, at, options }: Failure): Promise<void> {
  await endFailed(sql, [change.id], problem, at);
  await recordEvents(sql, name, [{ type: 'ChangeFailed', data: { changeId: change.id, kind: change.kind, by: change.by, problem, failedAt: at } }]);
  await tellOutside(sql, options, name, { kind: 'failed', state, changes: [change], problem, at });
}
