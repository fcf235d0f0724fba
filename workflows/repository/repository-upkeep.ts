import { condition, continueAsNew, log, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { isLong } from './repository-entity.js';
import { validRepositoryInput } from './repository-input.js';
import { repositoryChangedSignal, repositoryUpkeepWorkflowId } from './repository-messages.js';
import { failureOf } from './step-failures.js';
import type { RepositoryActivities, RepositoryUpkeepActivities, RepositoryView } from './repository-activities.js';
import type { RepositoryInput } from './repository-messages.js';

const brief = proxyActivities<RepositoryActivities>({ startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry: { initialInterval: '1s', maximumInterval: '1 minute' } });
/** Both read as much as there is; what breaks off is begun again a few times, then left to the next round. */
const lengthy = proxyActivities<RepositoryUpkeepActivities>({ startToCloseTimeout: '24 hours', heartbeatTimeout: '15s', retry: { initialInterval: '10s', maximumInterval: '5 minutes', maximumAttempts: 4 } });

/** Milliseconds after which other settings are noticed of which nobody has told. */
const lookInterval = 86_400_000;

export interface CarriedUpkeep {
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly synchronisedAt: number;
}

/** Checks a repository and synchronises it with its upstream as often as its settings say, one after the other. Completes when the repository is removed. */
export async function repositoryUpkeep(input: RepositoryInput, carried?: CarriedUpkeep): Promise<void> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const name = validRepositoryInput(input, repositoryUpkeepWorkflowId, workflowId);
  const before = continuedFromExecutionRunId === undefined ? undefined : carried;
  let checkedAt = before?.checkedAt ?? Date.now();
  let synchronisedAt = before?.synchronisedAt ?? 0;
  let changed = false;
  setHandler(repositoryChangedSignal, () => {
    changed = true;
  });
  for (;;) {
    if (isLong()) return continueAsNew<typeof repositoryUpkeep>(input, { checkedAt, synchronisedAt });
    changed = false;
    const view = await look(name);
    if (view === undefined) return;
    const synchroniseAt = due(synchronisedAt, view.synchroniseSeconds);
    const checkAt = due(checkedAt, view.checkSeconds);
    if (Date.now() >= synchroniseAt) {
      synchronisedAt = Date.now();
      await attempt('synchronisation', name, () => lengthy.synchroniseRepository(name));
    } else if (Date.now() >= checkAt) {
      checkedAt = Date.now();
      await attempt('check', name, () => lengthy.checkRepository(name));
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

async function attempt(what: string, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn(`the ${what} of a repository failed; it is done again when it is due`, { repository: name, ...failureOf(error).problem });
  }
}
