import { ActivityFailure, ApplicationFailure, CancellationScope, condition, log } from '@temporalio/workflow';
import { publishCompose } from './compose-search-attributes.js';
import type { ComposeActivities, ComposeView } from './compose-activities.js';
import type { ComposeStatus } from './compose-messages.js';

/**
 * What this workflow knows of its compose, and the operations that callers ask for. The record decides every change: views of it may arrive in any order, and the
 * newest counts. Operations are not cancellable: a cancelled workflow still does what the record says.
 */
export class ComposeEntity {
  #view: ComposeView | undefined;
  #generation: CancellationScope | undefined;
  #looking = false;
  #lookAgain = false;
  /** Generations begun. */
  attempts = 0;
  generationSeconds = 0;
  /** The compose that this one waits for may have ended. */
  leaderSettled = false;

  constructor(
    readonly id: number,
    private readonly activities: ComposeActivities,
  ) {}

  /** Throws before the first look. */
  get view(): ComposeView {
    if (this.#view === undefined) throw new Error('the compose has not been looked at');
    return this.#view;
  }

  /** Neither done nor failed nor removed. */
  get open(): boolean {
    return this.view.state === 'wait' || this.view.state === 'generating';
  }

  get removed(): boolean {
    return this.view.state === 'removed';
  }

  async look(): Promise<void> {
    const { view, generationSeconds } = await this.#perform(() => this.activities.lookAtCompose(this.id));
    this.generationSeconds = generationSeconds;
    this.apply(view);
  }

  /** Somebody says that the record has changed. However many say so at once, it is read once more after the last. */
  async lookSoon(): Promise<void> {
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#lookAgain) {
        this.#lookAgain = false;
        await this.look();
      }
    } finally {
      this.#looking = false;
    }
  }

  apply(view: ComposeView): void {
    const before = this.#view;
    if (before !== undefined && view.version < before.version) return;
    this.#view = view;
    if (before?.state !== view.state) publishCompose(this.id, view);
    if (!this.open) this.#generation?.cancel();
  }

  /** Runs a generation that ends as soon as the record says that the compose has. */
  async generating<T>(work: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    this.#generation = scope;
    try {
      return await scope.run(work);
    } finally {
      this.#generation = undefined;
    }
  }

  cancel(by: string): Promise<ComposeStatus> {
    return this.#changed(() => this.activities.cancelCompose(this.id, by));
  }

  renew(renewal: { readonly by: string; readonly secondsToLive?: number }): Promise<ComposeStatus> {
    return this.#changed(() => this.activities.renewCompose(this.id, renewal));
  }

  remove(by: string): Promise<ComposeStatus> {
    return this.#changed(() => this.activities.removeCompose(this.id, by));
  }

  /** An operator cancelled the workflow: that means what DELETE means. A compose that cannot be cancelled or removed stays what it is. */
  async giveUp(): Promise<void> {
    const by = 'cancellation of the workflow';
    try {
      await CancellationScope.nonCancellable(() => condition(() => this.#view !== undefined));
      if (this.open) await this.cancel(by);
      else if (this.view.state !== 'removed') await this.remove(by);
    } catch (error) {
      log.warn('the cancellation of the workflow had no effect on its compose', { error });
    }
  }

  status(): ComposeStatus {
    const { state, reason, expiresAt, reusedId } = this.#view ?? { state: 'wait' as const, reason: null, expiresAt: null, reusedId: null };
    const open = state === 'wait' || state === 'generating';
    return { composeId: this.id, state, reason, expiresAt: open ? null : expiresAt, reusedId, attempts: this.attempts };
  }

  async #changed(command: () => Promise<ComposeView>): Promise<ComposeStatus> {
    this.apply(await this.#perform(command));
    return this.status();
  }

  #perform<T>(operation: () => Promise<T>): Promise<T> {
    return CancellationScope.nonCancellable(async () => {
      try {
        return await operation();
      } catch (error) {
        throw asApplicationFailure(error);
      }
    });
  }
}

/** Callers read `type`, a Millrace error code; the activity's wrapping says nothing to them. */
function asApplicationFailure(error: unknown): unknown {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return error;
  return ApplicationFailure.nonRetryable(error.cause.message, error.cause.type ?? 'internal');
}
