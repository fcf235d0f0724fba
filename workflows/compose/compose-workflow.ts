import { ActivityCancellationType, allHandlersFinished, CancellationScope, condition, continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { validateRequester } from '../session/session-input.js';
import { cancelComposeUpdate, composeChangedSignal, composeStatusQuery, generationTaskQueueOf, removeComposeUpdate, renewComposeUpdate, treeSettledSignal } from './compose-messages.js';
import { ComposeEntity } from './compose-entity.js';
import { validateRenewal, validComposeInput } from './compose-input.js';
import { afterFailure, noAttempts } from './generation-attempts.js';
import type { ComposeActivities, GenerationActivities } from './compose-activities.js';
import type { ComposeInput, ComposeStatus } from './compose-messages.js';
import type { Attempts } from './generation-attempts.js';

/** Activities say themselves which of their failures are final; the others are repeated until they succeed. */
const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;
const brief = proxyActivities<ComposeActivities>({ startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry });
/** Deleting trees takes as long as the storage does. */
const lengthy = proxyActivities<ComposeActivities>({ startToCloseTimeout: '30 minutes', heartbeatTimeout: '10s', retry });

/** Milliseconds between two questions of a follower whose leader says nothing. */
const followInterval = 15_000;
/** Milliseconds: while the clocks of Temporal and of the record differ, this often the record is asked whether the compose is due. */
const dueInterval = 5000;
/** Timers are not longer than that; milliseconds. */
const longestTimer = 30 * 86_400_000;
/** The engine stops itself in time; this is for one that cannot. Seconds. */
const timeoutMargin = 60;
/** Events; a worker that has to replay this many still answers an update at once. */
const longHistory = 1000;

/** What one run hands to the next. The rest is in the record. */
export interface CarriedCompose {
  readonly attempts: Attempts;
  readonly following: boolean;
}

/**
 * One compose: generates it when a worker has a slot, or waits for the files of another that makes the very same; answers its messages (`compose-messages.ts`);
 * removes it when it is due and completes with its last status. Cancelling the workflow cancels or removes the compose. Fails with the code of the error as type
 * where there is nothing to work on: `invalid-request`, `compose-not-found`.
 */
export async function compose(input: ComposeInput, carried?: CarriedCompose): Promise<ComposeStatus> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const entity = new ComposeEntity(validComposeInput(input, workflowId), brief);
  const life = new ComposeLife(entity, input, continuedFromExecutionRunId === undefined ? undefined : carried);
  bindHandlers(entity);
  CancellationScope.current().cancelRequested.catch(() => entity.giveUp());
  await CancellationScope.nonCancellable(() => life.live());
  return entity.status();
}

function bindHandlers(entity: ComposeEntity): void {
  setHandler(composeStatusQuery, () => entity.status());
  setHandler(composeChangedSignal, () => entity.lookSoon());
  setHandler(treeSettledSignal, () => {
    entity.leaderSettled = true;
  });
  setHandler(cancelComposeUpdate, ({ by }) => entity.cancel(by), { validator: validateRequester });
  setHandler(renewComposeUpdate, (renewal) => entity.renew(renewal), { validator: validateRenewal });
  setHandler(removeComposeUpdate, ({ by }) => entity.remove(by), { validator: validateRequester });
}

class ComposeLife {
  #attempts: Attempts;
  #following: boolean;

  constructor(
    private readonly entity: ComposeEntity,
    private readonly input: ComposeInput,
    carried: CarriedCompose | undefined,
  ) {
    this.#attempts = carried?.attempts ?? noAttempts;
    this.#following = carried?.following ?? false;
    entity.attempts = this.#attempts.begun;
  }

  async live(): Promise<void> {
    const { entity } = this;
    await entity.look();
    const wasOpen = entity.open;
    while (entity.open) {
      await this.#continueWhenLong();
      if (this.#following) await this.#follow();
      else await this.#generate();
    }
    if (wasOpen && entity.view.reusedId === null) await brief.tellFollowers(entity.id);
    await this.#untilRemoved();
    await lengthy.releaseTrees();
    await condition(allHandlersFinished);
  }

  /** Another compose makes the same files: until it has ended, or whenever nothing was heard of it for a while. */
  async #follow(): Promise<void> {
    const { entity } = this;
    await condition(() => entity.leaderSettled || !entity.open, followInterval);
    if (!entity.open) return;
    entity.leaderSettled = false;
    const { kind, view } = await brief.claimComposeTree(entity.id);
    entity.apply(view);
    this.#following = kind === 'follow';
  }

  async #generate(): Promise<void> {
    const { entity } = this;
    this.#attempts = { ...this.#attempts, begun: this.#attempts.begun + 1 };
    entity.attempts = this.#attempts.begun;
    try {
      const { kind, view } = await entity.generating(() => generationActivities(entity.generationSeconds).generateCompose(entity.id));
      entity.apply(view);
      this.#following = kind === 'following';
    } catch (error) {
      // Whatever a generation says that was stopped because the compose had ended.
      if (entity.open) await this.#afterFailure(error);
    }
  }

  async #afterFailure(error: unknown): Promise<void> {
    const { entity } = this;
    const next = afterFailure(error, this.#attempts, entity.generationSeconds);
    if (next.kind === 'give-up') {
      entity.apply(await brief.failCompose(entity.id, { reason: next.reason, final: next.final }));
      return;
    }
    this.#attempts = next.attempts;
    if (next.pause > 0) await condition(() => !entity.open, next.pause);
  }

  /** The record's clock decides; this workflow's own only says when to ask. Whoever changes the expiry has it asked at once. */
  async #untilRemoved(): Promise<void> {
    const { entity } = this;
    let earliest = 0;
    while (!entity.removed) {
      await this.#continueWhenLong();
      const { expiresAt } = entity.view;
      const wait = Math.min(longestTimer, Math.max(earliest, Date.parse(expiresAt) - Date.now()));
      if (wait > 0) await condition(() => entity.view.expiresAt !== expiresAt || entity.removed, wait);
      if (!entity.removed) entity.apply(await brief.expireCompose(entity.id));
      earliest = dueInterval;
    }
  }

  async #continueWhenLong(): Promise<void> {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (!continueAsNewSuggested && historyLength < longHistory) return;
    await condition(allHandlersFinished);
    await continueAsNew<typeof compose>(this.input, { attempts: this.#attempts, following: this.#following });
  }
}

function generationActivities(generationSeconds: number): GenerationActivities {
  return proxyActivities<GenerationActivities>({
    taskQueue: generationTaskQueueOf(workflowInfo().taskQueue),
    startToCloseTimeout: (generationSeconds + timeoutMargin) * 1000,
    heartbeatTimeout: '10s',
    // The workflow itself begins anew: it knows which failures count.
    retry: { maximumAttempts: 1 },
    // The files are the engine's until it has really stopped.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
