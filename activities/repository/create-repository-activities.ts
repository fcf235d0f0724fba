import { Context } from '@temporalio/activity';
import { changeNotFound } from '../../libs/repository-record/record-problems.js';
import { derivedUuid } from '../../libs/repository-engine/derived-uuid.js';
import { shownNames } from '../../workflows/repository/repository-messages.js';
import { performed as withHeartbeat } from '../performed.js';
import { inspectChanges } from './inspect-changes.js';
import { abandonState, plannedState, writtenIndex } from './make-state.js';
import { asRepositoryFailure } from './repository-activity-failure.js';
import type { EngineOptions } from '../../libs/repository-engine/repository-engine.js';
import type { ChangeOutcome, ChangeProblem, RepositoryChange } from '../../libs/repository/repository-change.js';
import type { EndedChange, RepositoryActivities, RepositoryUpkeepActivities, RepositoryView, StepProblem } from '../../workflows/repository/repository-activities.js';
import type { RepositoryActivityOptions, RepositoryUpkeep } from './repository-activity-options.js';

/** Changes of one state: several publishers share the cost of an index. */
const changesOfState = 200;

const performed = <T>(work: (options: EngineOptions) => Promise<T>): Promise<T> =>
  withHeartbeat(async () => {
    const { cancellationSignal: signal, cancelled } = Context.current();
    try {
      return await work({ signal });
    } catch (error) {
      // As the SDK wants to be told.
      if (signal.aborted) return await cancelled;
      throw error;
    }
  }, asRepositoryFailure);

/** The activities of the repository workflow. All are idempotent, because the steps and the commands are. */
export function createRepositoryActivities(options: RepositoryActivityOptions): RepositoryActivities {
  const { engine, commands, reads } = options;
  return {
    lookAtRepository: (name) => performed(() => lookAt(name, options)),
    requestChange: (name, change) => performed(async () => void (await commands.requestChange({ ...change, repository: name }))),
    endedChanges: (ids) => performed(() => endedChanges(ids, options)),
    inspectChanges: (name) => performed((engineOptions) => inspectChanges(name, engineOptions, options)),
    planState: (name, most = changesOfState) =>
      performed(async () => {
        const planned = await commands.plan(name, { changes: Math.min(most, changesOfState) });
        return planned === undefined ? null : { state: planned.state, changes: planned.changes.length, added: planned.added.length, removed: planned.removed.length };
      }),
    placePackages: (name, state) => performed(async (engineOptions) => void (await ifPlanned(name, state, (planned) => engine.place(planned, engineOptions)))),
    writeIndex: (name, state) => performed(async (engineOptions) => void (await ifPlanned(name, state, (planned) => engine.prepareIndex(planned, engineOptions)))),
    switchIndex: (name, state) =>
      performed(async (engineOptions) => void (await ifPlanned(name, state, async (planned) => engine.switchIndex(planned, await writtenIndex(planned, engineOptions, options), engineOptions)))),
    recordState: (name, state) => performed(async (engineOptions) => void (await ifPlanned(name, state, async (planned) => commands.published(planned, await writtenIndex(planned, engineOptions, options))))),
    abandonState: (name, state, problem) => performed(async (engineOptions) => (await ifPlanned(name, state, (planned) => abandonState(planned, problem, { ...options, options: engineOptions }))) ?? true),
    tidyRepository: (name) => performed((engineOptions) => engine.tidy(name, engineOptions)),
    pruneRepository: (name) =>
      performed(async (engineOptions) => {
        // Uploads that no change has taken: where nothing is published any more, nobody else looks.
        await engine.tidy(name, engineOptions);
        const { moved, deleted, strangers } = await engine.prune(name, { ...engineOptions, by: 'the daily prune', dryRun: false, force: false });
        return moved.length + deleted.length + strangers.length;
      }),
    recordUpkeepFailure: (name, failed) => performed(() => commands.upkeepFailed(name, failed)),
    signAgain: (name, state) =>
      performed(async () => void (await commands.requestChange({ id: derivedUuid(`sign ${name} ${state}`), repository: name, request: { kind: 'sign' }, by: 'the end of a signature', force: false }))),
  };

  async function ifPlanned<T>(name: string, state: number, work: Parameters<typeof whenPlanned<T>>[1]): Promise<T | undefined> {
    return whenPlanned(await plannedState(name, state, { reads }), work);
  }
}

async function whenPlanned<T>(planned: Awaited<ReturnType<typeof plannedState>>, work: (planned: NonNullable<Awaited<ReturnType<typeof plannedState>>>) => Promise<T>): Promise<T | undefined> {
  return planned === undefined ? undefined : work(planned);
}

export function createRepositoryUpkeepActivities(upkeep: RepositoryUpkeep): RepositoryUpkeepActivities {
  return {
    checkRepository: (name) => performed((options) => upkeep.check(name, options)),
    synchroniseRepository: (name) => performed((options) => upkeep.synchronise(name, options)),
  };
}

async function lookAt(name: string, { reads }: RepositoryActivityOptions): Promise<RepositoryView> {
  const { state, settings } = await reads.get(name);
  const validSeconds = settings.deb?.validSeconds ?? null;
  const [last] = validSeconds === null || state === 0 ? [] : await reads.states(name, { limit: 1 });
  // Half of its time is left for whatever may be in the way.
  const signBy = last === undefined || validSeconds === null ? null : new Date(Date.parse(last.at) + validSeconds * 500).toISOString();
  return { state, signBy, checkSeconds: settings.checkSeconds, synchroniseSeconds: settings.upstream?.everySeconds ?? null };
}

async function endedChanges(ids: readonly string[], { reads }: RepositoryActivityOptions): Promise<readonly EndedChange[]> {
  const found = new Map((await reads.changesOf(ids)).map((change) => [change.id, change]));
  return ids.flatMap((id) => {
    const change = found.get(id);
    if (change === undefined) return [{ id, problem: shownProblem(changeNotFound(id)) }];
    return ended(change) ?? [];
  });
}

/** Undefined: it goes on. */
function ended({ id, outcome, problem, phase }: RepositoryChange): EndedChange | undefined {
  if (phase === 'failed') return { id, problem: shownProblem(problem ?? { code: 'internal', message: 'it failed' }) };
  return phase === 'done' && outcome !== null ? { id, outcome: shortened(outcome) } : undefined;
}

function shownProblem({ code, message, details = [] }: Pick<ChangeProblem, 'code' | 'message'> & { readonly details?: readonly object[] | undefined }): StepProblem {
  return { code, message, details: details.slice(0, shownNames) };
}

function shortened({ state, added, same, removed, obsoleted }: ChangeOutcome): ChangeOutcome {
  const cut = (names: readonly string[]): readonly string[] => names.slice(0, shownNames);
  return { state, added: cut(added), same: cut(same), removed: cut(removed), obsoleted: cut(obsoleted) };
}
