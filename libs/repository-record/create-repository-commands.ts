import { inTransaction } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import { checkUuid } from '../repository/change-request.js';
import type { ChangeProblem, RepositoryChange } from '../repository/repository-change.js';
import { eventEntries } from '../repository/repository-events.js';
import { checkRequester } from './check-texts.js';
import { ending, fail } from './end-changes.js';
import { planState } from './plan-state.js';
import { previewChange } from './preview-change.js';
import { abandonState, beginSwitching, publishState } from './publish-state.js';
import type { RecordOptions } from './record-options.js';
import { changeNotFound } from './record-problems.js';
import { recordUpkeepFailure } from './record-upkeep.js';
import { createUploadCommands } from './record-uploads.js';
import { createLifeCommands } from './repository-life.js';
import type { PrunedObjects, RepositoryCommands } from './repository-record.js';
import { readChange, requestChange } from './request-change.js';
import type { SpoolLimits } from './spool-room.js';
import { lockRepository, recordEvents } from './repository-stream.js';

export interface RepositoryCommandsOptions extends Pick<RecordOptions, 'repositoryUrl' | 'compareVersions'> {
  /** None unless told. */
  readonly spool?: SpoolLimits;
  /** Else the clock of this machine. */
  readonly now?: () => Date;
}

/** Repositories on PostgreSQL; see `repository-record.ts` for what they promise. */
export function createRepositoryCommands(database: Database, { now = () => new Date(), spool = { bytes: undefined, publisherBytes: undefined }, ...given }: RepositoryCommandsOptions): RepositoryCommands {
  const options: RecordOptions = { ...given, spool, now: () => now().toISOString() };
  return {
    ...createLifeCommands(database, options),
    ...createUploadCommands(database, options),
    requestChange: (change) => requestChange(database, change, options.now),
    plan: (name, { changes }) => planState(database, name, { options, limit: changes }),
    preview: (change) => previewChange(database, change, options),
    published: (planned, index) => publishState(database, planned, { index, options }),
    switching: (planned) => beginSwitching(database, planned),
    abandoned: (planned, problem, culprits) => abandonState(database, planned, { problem, culprits, options }),
    refuse: (changeId, problem) => refuse(database, changeId, { problem, options }),
    pruned: (name, done, by) => recordPruning(database, name, { done, by, options }),
    upkeepFailed: (name, failed) => recordUpkeepFailure(database, name, { failed, options }),
  };
}

/** One that has ended, or that is in the state that is being made, is answered as it is. */
async function refuse(database: Database, id: string, { problem, options }: { readonly problem: ChangeProblem; readonly options: RecordOptions }): Promise<RepositoryChange> {
  checkUuid(id, 'a change');
  return inTransaction(database, async ({ sql }) => {
    const asked = await readChange(sql, id);
    if (asked === undefined) throw changeNotFound(id);
    if (asked.endedAt !== null) return asked;
    const repository = await lockRepository(sql, asked.repository);
    const change = await readChange(sql, id);
    if (change === undefined || change.phase === 'planned' || change.endedAt !== null) return change ?? asked;
    await fail(sql, repository, { change: ending(change), problem, at: options.now(), options });
    return (await readChange(sql, id)) ?? change;
  });
}

async function recordPruning(database: Database, name: string, { done, by, options }: { readonly done: PrunedObjects; readonly by: string; readonly options: RecordOptions }): Promise<void> {
  checkRequester(by);
  const entries = [...done.moved.map((moved) => ({ moved })), ...done.deleted.map((deleted) => ({ deleted })), ...done.strangers.map((stranger) => ({ stranger }))];
  if (entries.some((entry) => Object.values(entry).some((text) => !text.isWellFormed()))) throw new MillraceError('invalid-request', 'a pruned object has a key that is not UTF-8');
  await inTransaction(database, async ({ sql }) => {
    await lockRepository(sql, name);
    const prunedAt = options.now();
    for (let from = 0; from < entries.length; from += eventEntries) {
      const some = entries.slice(from, from + eventEntries);
      const moved = some.flatMap((entry) => ('moved' in entry ? entry.moved : []));
      const deleted = some.flatMap((entry) => ('deleted' in entry ? entry.deleted : []));
      const strangers = some.flatMap((entry) => ('stranger' in entry ? entry.stranger : []));
      await recordEvents(sql, name, [{ type: 'ObjectsPruned', data: { moved, deleted, strangers, prunedAt, by } }]);
    }
  });
}
