import { condition, continueAsNew, log, patched, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { isLong } from './repository-entity.js';
import { validRepositoryInput } from './repository-input.js';
import { repositoryChangedSignal, repositoryUpkeepStatusQuery, repositoryUpkeepWorkflowId } from './repository-messages.js';
import { publishRepository } from './repository-search-attributes.js';
import { failureOf } from './step-failures.js';
import type { UpkeepTask } from '../../libs/repository/repository-events.js';
import type { RepositoryActivities, RepositoryUpkeepActivities, RepositoryView, StepProblem } from './repository-activities.js';
import type { RepositoryInput, UpkeepTurn } from './repository-messages.js';

const brief = proxyActivities<RepositoryActivities>({ startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry: { initialInterval: '1s', maximumInterval: '1 minute' } });
/** Both read as much as there is; what breaks off is begun again a few times, then left to the next round. */
const lengthy = proxyActivities<RepositoryUpkeepActivities>({ startToCloseTimeout: '24 hours', heartbeatTimeout: '15s', retry: { initialInterval: '10s', maximumInterval: '5 minutes', maximumAttempts: 4 } });

/** Milliseconds after which other settings are noticed of which nobody has told. */
const lookInterval = 86_400_000;

export interface CarriedUpkeep {
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly synchronisedAt: number;
  readonly turns?: Turns;
}

/** How each of them went the last time. */
type Turns = Readonly<Partial<Record<UpkeepTask, Turn>>>;

interface Turn {
  readonly at: string;
  /** Null: well. */
  readonly problem: StepProblem | null;
}

/** Checks a repository and synchronises it with its upstream as often as its settings say, one after the other. Completes when the repository is removed. */
export async function repositoryUpkeep(input: RepositoryInput, carried?: CarriedUpkeep): Promise<void> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const name = validRepositoryInput(input, repositoryUpkeepWorkflowId, workflowId);
  const before = continuedFromExecutionRunId === undefined ? undefined : carried;
  let checkedAt = before?.checkedAt ?? Date.now();
  let synchronisedAt = before?.synchronisedAt ?? 0;
  let turns = before?.turns ?? {};
  let changed = false;
  setHandler(repositoryUpkeepStatusQuery, () => ({ check: shown(turns.check), synchronisation: shown(turns.synchronisation) }));
  setHandler(repositoryChangedSignal, () => {
    changed = true;
  });
  for (;;) {
    if (isLong()) return continueAsNew<typeof repositoryUpkeep>(input, { checkedAt, synchronisedAt, turns });
    changed = false;
    const view = await look(name);
    if (view === undefined) return;
    const synchroniseAt = due(synchronisedAt, view.synchroniseSeconds);
    const checkAt = due(checkedAt, view.checkSeconds);
    turns = noted(name, turns, asked(turns, view));
    if (Date.now() >= synchroniseAt) {
      synchronisedAt = Date.now();
      turns = await attempt('synchronisation', name, { turns, work: () => lengthy.synchroniseRepository(name) });
    } else if (Date.now() >= checkAt) {
      checkedAt = Date.now();
      turns = await attempt('check', name, { turns, work: () => lengthy.checkRepository(name) });
    } else {
      await condition(() => changed, Math.min(lookInterval, synchroniseAt - Date.now(), checkAt - Date.now()));
    }
  }
}

const due = (last: number, seconds: number | null): number => (seconds === null ? Infinity : last + seconds * 1000);

/** Undefined: there is no such repository any more. */
async function look(name: string): Promise<RepositoryView | undefined> {
  try {
    return await brief.lookAtRepository(name);
  } catch (error) {
    if (failureOf(error).problem.code === 'repository-not-found') return undefined;
    throw error;
  }
}

/** What fails is done again when it is due. It is told once, however often it fails for the same reason. */
async function attempt(task: UpkeepTask, name: string, { turns, work }: { readonly turns: Turns; readonly work: () => Promise<void> }): Promise<Turns> {
  const problem = await problemOf(work);
  const at = new Date().toISOString();
  if (problem !== null) {
    log.warn(`the ${task} of a repository failed; it is done again when it is due`, { repository: name, ...problem });
    if (problem.code !== turns[task]?.problem?.code && tells()) await record(name, { task, problem, failedAt: at });
  }
  return noted(name, turns, { ...turns, [task]: { at, problem } });
}

/** Not in histories of before there was anybody to be told. */
const tells = (): boolean => patched('failures-of-upkeep-are-told');

/** For operators, who look for repositories in trouble. */
function noted(name: string, before: Turns, after: Turns): Turns {
  if (isWell(before) !== isWell(after) && tells()) publishRepository(name, isWell(after) ? 'well' : 'trouble');
  return after;
}

/** What the settings do not ask for any more is in no trouble. */
function asked({ check, synchronisation }: Turns, { checkSeconds, synchroniseSeconds }: RepositoryView): Turns {
  return { ...(check === undefined || checkSeconds === null ? {} : { check }), ...(synchronisation === undefined || synchroniseSeconds === null ? {} : { synchronisation }) };
}

async function problemOf(work: () => Promise<void>): Promise<StepProblem | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return failureOf(error).problem;
  }
}

/** A repository that was removed meanwhile has nobody to be told. */
async function record(name: string, failed: Parameters<RepositoryActivities['recordUpkeepFailure']>[1]): Promise<void> {
  try {
    await brief.recordUpkeepFailure(name, failed);
  } catch (error) {
    log.warn('the failure is not in the record', { repository: name, ...failureOf(error).problem });
  }
}

function isWell({ check, synchronisation }: Turns): boolean {
  return (check?.problem ?? null) === null && (synchronisation?.problem ?? null) === null;
}

function shown(turn: Turn | undefined): UpkeepTurn | null {
  return turn === undefined ? null : { at: turn.at, trouble: turn.problem?.message ?? null };
}
