import { CancellationScope, condition, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { publishRepository } from './repository-search-attributes.js';
import { asCallersFailure, failureOf } from './step-failures.js';
import type { ChangeOutcome } from '../../libs/repository/repository-change.js';
import type { EndedChange, PlannedCounts, RepositoryActivities, RepositoryView, RequestedChange, StepProblem } from './repository-activities.js';
import type { PublishInput, RemoveInput, RepositoryStatus } from './repository-messages.js';

/** For callers who wait: what cannot be done soon they may ask for again. */
const asked = proxyActivities<RepositoryActivities>({ startToCloseTimeout: '10s', heartbeatTimeout: '10s', retry: { initialInterval: '500ms', maximumAttempts: 3 } });
/** The workflow itself tries again: it tells what the trouble is. */
const brief = proxyActivities<RepositoryActivities>({ startToCloseTimeout: '2 minutes', heartbeatTimeout: '10s', retry: { maximumAttempts: 1 } });
const lengthy = proxyActivities<RepositoryActivities>({ startToCloseTimeout: '12 hours', heartbeatTimeout: '15s', retry: { maximumAttempts: 1 } });

/** Events; a worker that has to replay this many still answers an update at once. */
const longHistory = 1000;
/** Milliseconds between two attempts, at first and at most. */
const shortestPause = 1000;
const longestPause = 30_000;
/** A store that refuses may do so because new credentials are not there yet. */
const mostRefusals = 5;
/** Changes whose outcome is read at once. */
const mostEnded = 200;
/** Milliseconds. */
const firstPrune = 3_600_000;
const pruneInterval = 86_400_000;

/** What one run hands to the next. Everything else is in the record. */
export interface CarriedRepository {
  readonly pruneAt: number;
  readonly suspects?: number;
}

/** Thrown where a step has to be left because the history is long; the next run does it again, which changes nothing. */
export const handOver = new Error('the history is long');

export function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= longHistory;
}

/** What the workflow of a repository knows, what callers ask of it, and the steps from changes to states. */
export class RepositoryEntity {
  /** Cancelled to end what is under way. */
  readonly scope = new CancellationScope({ cancellable: true });
  /** The record may have changes that wait, or other settings. */
  changed = true;
  /** Why callers are sent away; undefined: they are not. */
  leaving: StepProblem | undefined;
  #step: RepositoryStatus['step'] = 'idle';
  /** Of what is being tried again now. */
  #trouble: string | null = null;
  /** Of what is tried again later, by what it is. */
  readonly #standing = new Map<string, string>();
  #published: 'well' | 'trouble' | undefined;
  #view: RepositoryView = { state: 0, signBy: null, checkSeconds: null, synchroniseSeconds: null };
  #pruneAt: number;
  /** Changes that wait, oldest first, of which one at least is in the way of the others: they are planned by halves until it is alone. */
  #suspects: number;
  #retryAt = Infinity;
  #retryPause = shortestPause;
  readonly #asked = new Map<string, number>();
  readonly #ended = new Map<string, EndedChange>();

  constructor(
    readonly name: string,
    carried: CarriedRepository | undefined,
  ) {
    this.#pruneAt = carried?.pruneAt ?? Date.now() + firstPrune;
    this.#suspects = carried?.suspects ?? 0;
  }

  publish({ changeId, by, uploads = [], contents = [], origin = {}, component, force = false }: PublishInput): Promise<ChangeOutcome> {
    return this.#request({ id: changeId, by, force, request: { kind: 'publish', uploads, contents, origin, ...(component === undefined ? {} : { component }) } });
  }

  remove({ changeId, by, keys, force = false }: RemoveInput): Promise<ChangeOutcome> {
    return this.#request({ id: changeId, by, force, request: { kind: 'remove', keys } });
  }

  /** Answers when a change that is in the record has ended. */
  apply(changeId: string): Promise<ChangeOutcome> {
    return CancellationScope.nonCancellable(async () => {
      this.#asked.set(changeId, (this.#asked.get(changeId) ?? 0) + 1);
      this.changed = true;
      try {
        await condition(() => this.#ended.has(changeId) || this.leaving !== undefined);
        return this.#outcomeOf(changeId);
      } finally {
        this.#answered(changeId);
      }
    });
  }

  status(): RepositoryStatus {
    return { name: this.name, state: this.#view.state, step: this.#step, waiting: this.#asked.size, trouble: this.#trouble ?? this.#standing.values().next().value ?? null };
  }

  carried(): CarriedRepository {
    return { pruneAt: this.#pruneAt, suspects: this.#suspects };
  }

  /** Milliseconds since 1970 at which there is something to do although nobody says so. */
  nextDue(): number {
    return Math.min(this.#pruneAt, this.#retryAt, this.#signAt());
  }

  /** Everything that is to be done now. */
  async work(): Promise<void> {
    if (this.changed || Date.now() >= this.#retryAt) await this.#publishWaiting();
    else if (Date.now() >= this.#signAt()) await this.#signAgain();
    else if (Date.now() >= this.#pruneAt) await this.#prune();
    this.#step = 'idle';
  }

  /** From changes that wait to states that clients see, until none is left that can be carried out now. */
  async #publishWaiting(): Promise<void> {
    let planned: PlannedCounts | null;
    do {
      this.changed = false;
      await this.#inspect();
      planned = await this.#plan();
      if (planned !== null) await this.#make(planned);
      await this.#settle();
      if (planned !== null && isLong()) throw handOver;
    } while (planned !== null);
    this.#view = await this.#untilDone('planning', () => brief.lookAtRepository(this.name));
    await this.#once('tidying', () => lengthy.tidyRepository(this.name));
  }

  async #plan(): Promise<PlannedCounts | null> {
    const most = Math.ceil(this.#suspects / 2);
    const planned = await this.#untilDone('planning', () => (most === 0 ? brief.planState(this.name) : brief.planState(this.name, most)));
    if (planned === null) this.#suspects = 0;
    return planned;
  }

  async #inspect(): Promise<void> {
    const { postponed, trouble } = await this.#untilDone('inspecting', () => lengthy.inspectChanges(this.name));
    this.#keepTrouble('inspecting', trouble);
    if (postponed === 0) {
      this.#retryAt = Infinity;
      this.#retryPause = shortestPause;
      return;
    }
    this.#retryAt = Date.now() + this.#retryPause;
    this.#retryPause = Math.min(longestPause, this.#retryPause * 2);
  }

  async #make({ state, changes }: PlannedCounts): Promise<void> {
    for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 2)) {
      try {
        await this.#untilDone('placing', () => lengthy.placePackages(this.name, state));
        await this.#untilDone('indexing', () => lengthy.writeIndex(this.name, state));
        await this.#untilDone('switching', () => lengthy.switchIndex(this.name, state), overtaken);
        break;
      } catch (error) {
        if (error === handOver) throw error;
        const givenUp = await this.#givenUp(state, failureOf(error).problem);
        if (givenUp !== false) return void (this.#suspects = givenUp === 'divide' ? changes : this.#suspectsBut(changes));
      }
      // It is carried through: clients may have seen some of it.
      if (isLong()) throw handOver;
      await condition(() => false, pause);
    }
    await this.#untilDone('recording', () => brief.recordState(this.name, state));
    this.#suspects = this.#suspectsBut(changes);
  }

  #suspectsBut(changes: number): number {
    return Math.max(0, this.#suspects - changes);
  }

  async #givenUp(state: number, problem: StepProblem): Promise<boolean | 'divide'> {
    if (problem.code === 'record-conflict') return true; // somebody else has carried it through, or given it up
    if (problem.code === 'storage-conflict') return false;
    const abandoned = await this.#untilDone('recording', () => lengthy.abandonState(this.name, state, problem));
    if (abandoned === false) this.#tellTrouble(problem.message);
    return abandoned;
  }

  /** Those who wait for changes learn what has become of them. */
  async #settle(): Promise<void> {
    const ids = [...this.#asked.keys()].filter((id) => !this.#ended.has(id));
    for (let at = 0; at < ids.length; at += mostEnded) {
      const some = ids.slice(at, at + mostEnded);
      for (const ended of await this.#untilDone('recording', () => brief.endedChanges(some))) if (this.#asked.has(ended.id)) this.#ended.set(ended.id, ended);
    }
  }

  async #signAgain(): Promise<void> {
    await this.#untilDone('planning', () => brief.signAgain(this.name, this.#view.state));
    this.changed = true;
  }

  async #prune(): Promise<void> {
    this.#pruneAt = Date.now() + pruneInterval;
    this.#step = 'pruning';
    await this.#once('pruning', () => lengthy.pruneRepository(this.name));
  }

  #signAt(): number {
    return this.#view.signBy === null ? Infinity : Date.parse(this.#view.signBy);
  }

  async #request(change: RequestedChange): Promise<ChangeOutcome> {
    try {
      await CancellationScope.nonCancellable(() => asked.requestChange(this.name, change));
    } catch (error) {
      throw asCallersFailure(failureOf(error).problem);
    }
    return this.apply(change.id);
  }

  #outcomeOf(changeId: string): ChangeOutcome {
    const ended = this.#ended.get(changeId);
    if (ended === undefined) throw asCallersFailure(this.leaving!);
    if ('problem' in ended) throw asCallersFailure(ended.problem);
    return ended.outcome;
  }

  #answered(changeId: string): void {
    const left = (this.#asked.get(changeId) ?? 1) - 1;
    if (left > 0) return void this.#asked.set(changeId, left);
    this.#asked.delete(changeId);
    this.#ended.delete(changeId);
  }

  /** Again and again while it may succeed; throws what is final, and what the step says is for somebody else to see to. */
  async #untilDone<T>(step: RepositoryStatus['step'], work: () => Promise<T>, thrown: ReadonlySet<string> = new Set()): Promise<T> {
    this.#step = step;
    let refusals = 0;
    for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 2)) {
      try {
        const done = await work();
        this.#tellTrouble(null);
        return done;
      } catch (error) {
        const { problem, again } = failureOf(error);
        const refused = problem.code === 'storage-refused' && (refusals += 1) < mostRefusals;
        if (thrown.has(problem.code) || (!again && !refused)) throw error;
        this.#tellTrouble(problem.message);
        if (isLong()) throw handOver;
        await condition(() => false, pause);
      }
    }
  }

  /** What may as well be done the next time. */
  async #once(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.#keepTrouble(what, null);
    } catch (error) {
      const { problem } = failureOf(error);
      if (problem.code === 'repository-not-found') throw error;
      this.#keepTrouble(what, problem.message);
      log.warn(`${what} failed; it is done again the next time`, { repository: this.name, ...problem });
    }
  }

  #tellTrouble(trouble: string | null): void {
    this.#trouble = trouble;
    this.#publish();
  }

  #keepTrouble(what: string, trouble: string | null): void {
    if (trouble === null) this.#standing.delete(what);
    else this.#standing.set(what, `${what}: ${trouble}`);
    this.#publish();
  }

  #publish(): void {
    const state = this.#trouble === null && this.#standing.size === 0 ? 'well' : 'trouble';
    if (state !== this.#published) publishRepository(this.name, state);
    this.#published = state;
  }
}

/** The index has to be prepared again, or the state is not the one to come any more. */
const overtaken: ReadonlySet<string> = new Set(['storage-conflict', 'record-conflict']);
