import { allHandlersFinished, condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { isLong } from '../repository/repository-entity.js';
import { asCallersFailure } from '../repository/step-failures.js';
import { validateRequester } from '../session/session-input.js';
import { ArtifactCacheEntity, instanceGone, type CarriedCache } from './artifact-cache-entity.js';
import { validateEvict, validCacheInput } from './artifact-cache-input.js';
import { artifactCacheStatusQuery, evictUpdate, pauseEvictionUpdate, resumeEvictionUpdate, verifyUpdate, type ArtifactCacheInput, type ArtifactCacheStatus } from './artifact-cache-messages.js';
import type { StepProblem } from '../repository/repository-activities.js';

/** Milliseconds between rounds. */
const roundInterval = 60_000;

const handedOver: StepProblem = { code: 'record-conflict', message: 'the history of the cache’s upkeep is handed over to a new run; ask again', details: [] };
const gone: StepProblem = { code: 'invalid-request', message: 'the settings have no such cache instance any more', details: [] };

/**
 * The upkeep of one cache instance: every minute it looks at the usage, evicts, collects garbage and verifies what is due (`artifact-cache-entity.ts`). Completes when the
 * settings have no such instance any more; fails with `invalid-request` for an input that is none.
 */
export async function artifactCache(input: ArtifactCacheInput, carried?: CarriedCache): Promise<ArtifactCacheStatus> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const instance = validCacheInput(input, workflowId);
  const entity = new ArtifactCacheEntity(instance, continuedFromExecutionRunId === undefined ? undefined : carried);
  const staying = (validate: (argument: unknown) => void) => ({
    validator: (argument: unknown) => {
      validate(argument);
      if (entity.leaving !== undefined) throw asCallersFailure(entity.leaving);
    },
  });
  setHandler(artifactCacheStatusQuery, () => entity.status());
  setHandler(evictUpdate, (request) => entity.evict(request), staying(validateEvict));
  setHandler(verifyUpdate, () => entity.verify(), staying(validateRequester));
  setHandler(pauseEvictionUpdate, () => entity.pause(true), staying(validateRequester));
  setHandler(resumeEvictionUpdate, () => entity.pause(false), staying(validateRequester));

  entity.leaving = await rounds(entity);
  await condition(allHandlersFinished);
  return entity.leaving === gone ? entity.status() : continueAsNew<typeof artifactCache>(input, entity.carried());
}

/** Until the workflow has to end; answers why. */
async function rounds(entity: ArtifactCacheEntity): Promise<StepProblem> {
  try {
    while (!isLong()) {
      await entity.round();
      await condition(() => entity.changed, roundInterval);
    }
    return handedOver;
  } catch (error) {
    if (error === instanceGone) return gone;
    throw error;
  }
}
