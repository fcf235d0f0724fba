import { allHandlersFinished, CancellationScope, condition, continueAsNew, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { handOver, isLong, RepositoryEntity, type CarriedRepository } from './repository-entity.js';
import { applyChangeUpdate, publishPackagesUpdate, removePackagesUpdate, repositoryChangedSignal, repositoryStatusQuery, repositoryWorkflowId } from './repository-messages.js';
import { validateApply, validatePublish, validateRemove, validRepositoryInput } from './repository-input.js';
import { asCallersFailure, failureOf } from './step-failures.js';
import type { RepositoryInput, RepositoryStatus } from './repository-messages.js';
import type { StepProblem } from './repository-activities.js';

/** Milliseconds; timers are not longer than that. */
const longestWait = 30 * 86_400_000;

const handedOver: StepProblem = { code: 'record-conflict', message: 'the history of the repository is handed over to a new run; ask again, with the same id', details: [] };
const cancelled: StepProblem = { code: 'workflow-engine-unavailable', message: 'the workflow of the repository was cancelled; what is in the record goes on when it is started again', details: [] };

/**
 * One repository: serialises its changes and makes states of them (`repository-entity.ts`), prunes once a day, and signs again before a signature runs out. The record
 * has the changes and the state that is being made; where this workflow was lost, another goes on from it. It completes when the repository is removed, or when
 * somebody cancels it: the state that is being made is left as it is, for the next. Fails with `invalid-request` where there is nothing to work on.
 */
export async function repository(input: RepositoryInput, carried?: CarriedRepository): Promise<RepositoryStatus> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const name = validRepositoryInput(input, repositoryWorkflowId, workflowId);
  const { cancelRequested } = CancellationScope.current();
  return CancellationScope.nonCancellable(async () => {
    const entity = new RepositoryEntity(name, continuedFromExecutionRunId === undefined ? undefined : carried);
    bindHandlers(entity);
    cancelRequested.catch(() => entity.scope.cancel());
    entity.leaving = await live(entity);
    await condition(allHandlersFinished);
    if (entity.leaving === handedOver) return continueAsNew<typeof repository>(input, entity.carried());
    return entity.status();
  });
}

function bindHandlers(entity: RepositoryEntity): void {
  const staying = (validate: (argument: unknown) => void) => ({
    validator: (argument: unknown) => {
      validate(argument);
      if (entity.leaving !== undefined) throw asCallersFailure(entity.leaving);
    },
  });
  setHandler(repositoryStatusQuery, () => entity.status());
  setHandler(repositoryChangedSignal, () => {
    entity.changed = true;
  });
  setHandler(publishPackagesUpdate, (publication) => entity.publish(publication), staying(validatePublish));
  setHandler(removePackagesUpdate, (removal) => entity.remove(removal), staying(validateRemove));
  setHandler(applyChangeUpdate, ({ changeId }) => entity.apply(changeId), staying(validateApply));
}

/** Until it has to end; answers why. */
async function live(entity: RepositoryEntity): Promise<StepProblem> {
  try {
    return await entity.scope.run(async () => {
      while (!isLong()) {
        await entity.work();
        await condition(() => entity.changed, Math.min(longestWait, Math.max(1, entity.nextDue() - Date.now())));
      }
      return handedOver;
    });
  } catch (error) {
    if (error === handOver) return handedOver;
    if (isCancellation(error)) return cancelled;
    const { problem } = failureOf(error);
    if (problem.code === 'repository-not-found') return problem;
    throw error;
  }
}
