import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { errorTable } from '../../libs/errors/error-table.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { isMillraceError, MillraceError } from '../../libs/errors/millrace-error.js';
import type { ErrorCode } from '../../libs/errors/millrace-error.js';
import { faultsOfInputs, handedOver, tooLong } from '../../workflows/compose/compose-activities.js';
import { asComposeFailure, withoutUserInfo } from './compose-activity-failure.js';
import { readCompose, viewOf } from './compose-view.js';
import { whileDatabaseIsAway } from './while-database-is-away.js';
import type { PinnedInputs } from '../../libs/compose/compose-plan.js';
import type { ComposeRequest } from '../../libs/compose/compose-request.js';
import type { ComposeEngine, GenerationProgress } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeActivityOptions } from './create-compose-activities.js';
import type { ComposeView, GenerationActivities } from '../../workflows/compose/compose-activities.js';

export interface GenerationActivityOptions extends Omit<ComposeActivityOptions, 'engine'> {
  readonly engine: Pick<ComposeEngine, 'check' | 'pin' | 'note' | 'generate' | 'has' | 'remove'>;
  /** Makes known which packages a tree has, before its compose is done: whoever publishes one of them then finds it. */
  readonly knowPackages?: (tree: number, plan: string) => Promise<void>;
}

type Outcome = Awaited<ReturnType<GenerationActivities['generateCompose']>>;

/** Milliseconds; a worker that is silent for 10 s is taken for lost. */
const heartbeatInterval = 3000;
/** Milliseconds after which a generation is told to the workflow; many are over before that. */
const begunAfter = 500;
/** Milliseconds that an engine has to stop when its worker does. */
const stopDeadline = 1500;

/** The long activity of the compose workflow; see `GenerationActivities`. Its worker takes as many at once as the settings say, which is what composes wait for. */
export function createGenerationActivity(options: GenerationActivityOptions): GenerationActivities {
  const running = new Map<number, Promise<unknown>>();
  return {
    async generateCompose(composeId) {
      // An attempt that Temporal has given up (no heartbeat came through) may still be at it here: its signal is aborted, and it ends soon.
      await running.get(composeId)?.catch(() => undefined);
      const attempt = new GenerationAttempt(composeId, options).run();
      running.set(composeId, attempt);
      try {
        return await attempt;
      } finally {
        if (running.get(composeId) === attempt) running.delete(composeId);
      }
    },
  };
}

class GenerationAttempt {
  readonly #context = Context.current();
  readonly #limit = new AbortController();
  readonly #signal: AbortSignal;
  #progress: GenerationProgress | undefined;
  /** Known when the request is. */
  #seconds = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly composeId: number,
    private readonly options: GenerationActivityOptions,
  ) {
    this.#signal = AbortSignal.any([this.#context.cancellationSignal, this.#limit.signal]);
  }

  async run(): Promise<Outcome> {
    const heartbeat = setInterval(() => this.#context.heartbeat(this.#progress), heartbeatInterval);
    // For whoever looks at the workflow; it hears of the end in any case.
    const begun = setTimeout(() => void this.options.workflows.changed(this.composeId).catch(() => undefined), begunAfter);
    try {
      return await this.#orHandOver(this.#generate());
    } catch (error) {
      return await this.#afterError(error);
    } finally {
      clearInterval(heartbeat);
      clearTimeout(begun);
      clearTimeout(this.#timer);
    }
  }

  async #generate(): Promise<Outcome> {
    const { composeId, options } = this;
    const { commands, engine } = options;
    const { request, startedAt, submittedAt } = await this.#command(() => commands.begin(composeId));
    this.#limitTime(options.generationSeconds(request));
    engine.check(request);
    const found = await this.#pin(request);
    const inputs = await this.#command(() => commands.pin(composeId, found));
    const { kind, tree } = await this.#command(() => commands.claimTree(composeId, engine.has));
    if (kind !== 'generate') return { kind: kind === 'follow' ? 'following' : 'ended', view: await this.#view() };
    const generated = await engine.generate({ ...tree, inputs, startedAt: startedAt ?? submittedAt }, this.#engineOptions());
    await this.#knowPackages(tree.id, generated.plan);
    try {
      return { kind: 'ended', view: viewOf(await this.#command(() => commands.complete(composeId, generated))) };
    } catch (error) {
      // Cancelled at the last moment: what was made is nobody's.
      if (isMillraceError(error) && error.code === 'compose-closed' && ['failed', 'removed'].includes((await this.#view()).state)) await engine.remove(tree);
      throw error;
    }
  }

  /** What fails here is done later by a worker's round, and no reason to keep a compose waiting. */
  async #knowPackages(tree: number, plan: string): Promise<void> {
    await this.options.knowPackages?.(tree, plan).catch((error: unknown) => {
      this.#context.log.warn('the packages of a compose are not known yet', { error });
    });
  }

  #limitTime(seconds: number): void {
    this.#seconds = seconds;
    this.#timer = setTimeout(() => this.#limit.abort(new Error(`it took longer than ${seconds} s`)), seconds * 1000);
  }

  /** Whoever watches the log is told of sources that do not answer, before the last attempt has failed. */
  async #pin(request: ComposeRequest): Promise<PinnedInputs> {
    try {
      return await this.options.engine.pin(request, this.#engineOptions());
    } catch (error) {
      if (!this.#signal.aborted) this.#note(request, withoutUserInfo(errorMessage(error)));
      throw error;
    }
  }

  #note({ targetDir }: ComposeRequest, text: string): void {
    try {
      this.options.engine.note({ id: this.composeId, targetDir }, `the sources cannot be pinned: ${text}`);
    } catch (error) {
      this.#context.log.warn('the log of a compose cannot be written', { error });
    }
  }

  /** Answers where the record has the end of the story; throws what the workflow has to know. */
  async #afterError(error: unknown): Promise<Outcome> {
    const { cancellationSignal } = this.#context;
    if (cancellationSignal.aborted) throw cancellationFailure(cancellationSignal);
    if (this.#limit.signal.aborted) return this.#fail(tooLong(this.#seconds), 'internal');
    if (!isMillraceError(error)) {
      this.#context.log.error('a generation failed unexpectedly', { error });
      throw asComposeFailure(error);
    }
    if (error.code === 'compose-closed') return this.#orAgain();
    if (error.code === 'source-changed') await this.#unpin(error.message);
    // Unexpected: more often the machine than the compose.
    if (error.code === 'internal') throw ApplicationFailure.retryable(asComposeFailure(error).message, error.code);
    if (errorTable[error.code].retryable) throw asComposeFailure(error);
    return this.#fail(error.message, error.code);
  }

  /** The whole reason goes into the record, and only what is short into the history. */
  async #fail(reason: string, code: ErrorCode): Promise<Outcome> {
    const { composeId, options } = this;
    try {
      return { kind: 'ended', view: viewOf(await options.commands.fail(composeId, withoutUserInfo(reason), { final: faultsOfInputs.has(code) })) };
    } catch (error) {
      if (isMillraceError(error) && error.code === 'compose-closed') return this.#orAgain();
      // The workflow writes it down when the database is back.
      throw ApplicationFailure.create({ message: asComposeFailure(new MillraceError(code, reason)).message, type: code, nonRetryable: true });
    }
  }

  async #unpin(reason: string): Promise<void> {
    await this.#command(() => this.options.commands.unpin(this.composeId, withoutUserInfo(reason)));
  }

  /** The record does not let this attempt go on: because the compose has ended, or because it has lost its claim and needs a new one. */
  async #orAgain(): Promise<Outcome> {
    const view = await this.#view();
    if (view.state === 'wait' || view.state === 'generating') throw ApplicationFailure.retryable(`compose ${this.composeId} has to be claimed anew`, 'record-conflict');
    return { kind: 'ended', view };
  }

  async #view(): Promise<ComposeView> {
    return viewOf(await this.#command(() => readCompose(this.options.reads, this.composeId)));
  }

  #command<T>(command: () => Promise<T>): Promise<T> {
    return whileDatabaseIsAway(command, this.#signal);
  }

  #engineOptions(): Parameters<ComposeEngine['generate']>[1] {
    return {
      signal: this.#signal,
      onProgress: (progress) => {
        this.#progress = progress;
      },
    };
  }

  /** A worker that stops gives its work back at once, so that another one goes on with it. */
  async #orHandOver<T>(work: Promise<T>): Promise<T> {
    const { cancellationSignal } = this.#context;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      cancellationSignal.addEventListener('abort', () => {
        if (stopsWorker(cancellationSignal)) timer = setTimeout(() => reject(new Error('the engine did not stop in time')), stopDeadline);
      });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  }
}

function stopsWorker(signal: AbortSignal): boolean {
  return errorMessage(signal.reason) === 'WORKER_SHUTDOWN';
}

function cancellationFailure(signal: AbortSignal): Error {
  if (stopsWorker(signal)) return ApplicationFailure.retryable('the worker stops; another one goes on', handedOver);
  return signal.reason instanceof CancelledFailure ? signal.reason : new CancelledFailure('CANCELLED');
}
