import { ActivityFailure, ApplicationFailure, CancellationScope, condition, isCancellation, log, patched } from '@temporalio/workflow';
import { noCounts, type RuleCounts } from '../../libs/compose-rules/rule-counts.js';
import type { MatchedMessages, RuleSettings, RuleStanding } from './compose-rule-activities.js';
import type { ComposeRuleStatus, RuleReplay } from './compose-rule-messages.js';
import { publishRule } from './compose-rule-search-attributes.js';
import { brief, workOn } from './matter-steps.js';
import { absorb, begin, matterDue, mergeMatter, settledPosition, shownMatters, type RunningMatter, type WaitingMatter } from './rule-matters.js';

/** What one run hands to the next. */
export interface CarriedRule {
  readonly settings: RuleSettings;
  readonly paused: boolean;
  /** Somebody has said so, and the settings have not been read since. Runs before this was known hand over none. */
  readonly changed?: boolean;
  readonly position: number;
  readonly counts: RuleCounts;
  readonly problem: string | null;
  readonly replaying: Replaying | null;
  readonly waiting: readonly WaitingMatter[];
  readonly running: readonly RunningMatter[];
}

interface Replaying {
  readonly id: string;
  readonly after: number;
  readonly until: number;
}

/** Keys that wait at once; then messages stay in the record until some are done. */
const mostWaiting = 1000;
/** Matters under way at once. */
const mostRunning = 50;
/** In a status. */
const mostShown = 200;
const mostMatchedAtOnce = 200;

const undecided: RuleSettings = { debounce: { quiet: 0, longest: 0 }, retry: { times: 0, wait: 60 }, gateBefore: false, gateAfter: false, named: false };

interface Run {
  readonly matter: RunningMatter;
  /** A newer matter takes its place as soon as it has let go. */
  superseded: boolean;
  readonly scope: CancellationScope;
  readonly ended: Promise<void>;
}

/** What the workflow of a rule knows, and the operations that callers ask for. */
export class RuleEntity {
  /** Cancelled to end everything that is under way. */
  readonly scope = new CancellationScope({ cancellable: true });
  /** There may be messages that nobody has looked at. */
  poked = true;
  changed: boolean;
  ending = false;
  #retiring = false;
  #leaving = false;
  #begun: boolean;
  #stirred = false;
  #settings: RuleSettings;
  #paused: boolean;
  #position: number;
  #counts: RuleCounts;
  #problem: string | null;
  #replaying: Replaying | null;
  readonly #waiting: Map<string, WaitingMatter>;
  readonly #runs = new Map<string, Run>();
  readonly #carriedRuns: readonly RunningMatter[];

  constructor(
    readonly rule: string,
    carried: CarriedRule | undefined,
  ) {
    this.#begun = carried !== undefined;
    this.#settings = carried?.settings ?? undecided;
    this.#paused = carried?.paused ?? false;
    this.changed = carried?.changed ?? false;
    this.#position = carried?.position ?? 0;
    this.#counts = carried?.counts ?? noCounts;
    this.#problem = carried?.problem ?? null;
    this.#replaying = carried?.replaying ?? null;
    this.#waiting = new Map(carried?.waiting.map((matter) => [matter.key, matter]));
    this.#carriedRuns = carried?.running ?? [];
  }

  async begin(): Promise<void> {
    if (!this.#begun) {
      const { settings, paused, position, counts } = await brief.beginRule(this.rule);
      this.#settings = settings;
      this.#paused = paused;
      this.#position = position;
      this.#counts = counts;
      this.#begun = true;
      publishRule(this.rule, paused ? 'paused' : 'active');
    }
    // Before anything goes on by them: there may be a gate now.
    if (this.changed) await this.readSettings();
    for (const matter of this.#carriedRuns) this.#start({ ...matter });
  }

  /** Whether the loop has something to do before the next time is due. */
  get stirred(): boolean {
    return this.#stirred || this.ending || this.changed || this.mayLook;
  }

  get mayLook(): boolean {
    return !this.#paused && (this.poked || this.#replaying !== null) && this.#waiting.size < mostWaiting;
  }

  async readSettings(): Promise<void> {
    this.changed = false;
    this.#settings = await brief.readRule(this.rule);
  }

  /** At the next messages, or the next of a replay. */
  async look(): Promise<void> {
    const most = Math.min(mostMatchedAtOnce, mostWaiting - this.#waiting.size);
    if (this.poked) {
      this.poked = false;
      const matched = await brief.matchMessages(this.rule, { after: this.#position, most }, this.#standing());
      this.#position = Math.max(this.#position, matched.position);
      if (matched.more) this.poked = true;
      this.#take(matched, '');
      return;
    }
    const replaying = this.#replaying;
    if (replaying === null) return;
    const matched = await brief.matchMessages(this.rule, { after: replaying.after, most, until: replaying.until }, this.#standing());
    if (this.#replaying === replaying) this.#replaying = matched.more ? { ...replaying, after: matched.position } : null;
    this.#take(matched, replaying.id);
  }

  /** Those whose silence was long enough; one of each key at a time. */
  startDue(): void {
    this.#stirred = false;
    if (this.#paused) return;
    for (const matter of this.#waiting.values()) {
      if (matterDue(matter, this.#settings) > Date.now()) continue;
      const run = this.#runs.get(matter.key);
      if (run !== undefined && run.matter.step !== 'gate-before') continue;
      if (run === undefined && this.#runs.size >= mostRunning) continue;
      if (run !== undefined) {
        if (!run.superseded) this.#waiting.set(matter.key, absorb(matter, run.matter));
        run.superseded = true;
        run.scope.cancel();
        continue;
      }
      this.#waiting.delete(matter.key);
      this.#start(begin(matter));
    }
  }

  /** Milliseconds; infinite: nothing waits for a time. What waits for another of its key is stirred by its end. */
  nextDue(): number {
    if (this.#paused) return Infinity;
    let next = Infinity;
    for (const matter of this.#waiting.values()) {
      const due = matterDue(matter, this.#settings);
      if (due > Date.now()) next = Math.min(next, due);
    }
    return next;
  }

  async pause(by: string): Promise<ComposeRuleStatus> {
    await this.#command(() => brief.pauseRule(this.rule, by));
    this.#paused = true;
    publishRule(this.rule, 'paused');
    return this.status();
  }

  async resume(): Promise<ComposeRuleStatus> {
    await this.#command(() => brief.resumeRule(this.rule));
    this.#paused = false;
    this.poked = true;
    // So much waits that there is nothing to look at, which would wake the loop: what is due is to be begun all the same.
    if (!this.mayLook && patched('resumed-while-much-waits')) this.#stirred = true;
    publishRule(this.rule, 'active');
    return this.status();
  }

  async replay({ by, since, position }: RuleReplay): Promise<ComposeRuleStatus> {
    const id = new Date(Date.now()).toISOString();
    log.info('a replay is asked for', { by, since, position });
    if (position !== undefined) {
      const matched = await this.#command(() => brief.matchMessage(this.rule, position));
      this.#add(matched, id);
    } else if (since !== undefined) {
      const after = await this.#command(() => brief.positionBefore(since));
      if (after < this.#position) this.#replaying = { id, after: Math.min(after, this.#replaying?.after ?? after), until: this.#position };
    }
    this.#stirred = true;
    return this.status();
  }

  retire(): void {
    this.#retiring = true;
    this.stop();
  }

  stop(): void {
    this.ending = true;
    this.scope.cancel();
  }

  /** After the loop: nothing is under way any more. */
  async end(): Promise<void> {
    await this.#letGo();
    if (!this.#retiring) return;
    publishRule(this.rule, 'retired');
    await CancellationScope.nonCancellable(() => brief.retireRule(this.rule, { ...this.#standing(), position: this.#position }));
  }

  async handOver(): Promise<CarriedRule> {
    await this.#letGo();
    return {
      settings: this.#settings,
      paused: this.#paused,
      changed: this.changed,
      position: this.#position,
      counts: this.#counts,
      problem: this.#problem,
      replaying: this.#replaying,
      waiting: [...this.#waiting.values()],
      running: [...this.#runs.values()].map(({ matter }) => matter),
    };
  }

  status(): ComposeRuleStatus {
    return {
      rule: this.rule,
      paused: this.#paused,
      position: this.#position,
      replaying: this.#replaying === null ? 0 : this.#replaying.until - this.#replaying.after,
      matters: shownMatters([...this.#runs.values()].map(({ matter }) => matter), this.#waiting.values(), mostShown),
      counts: this.#counts,
      problem: this.#problem,
    };
  }

  #start(matter: RunningMatter): void {
    const scope = new CancellationScope({ cancellable: true, parent: this.scope });
    const work = {
      rule: this.rule,
      settings: () => this.#settings,
      outdated: () => this.#waiting.has(matter.key),
      count: (what: keyof RuleCounts, problem?: string | null) => this.#count(what, problem),
    };
    const ended = scope.run(() => workOn(matter, work)).then(
      () => this.#ended(matter),
      (error: unknown) => {
        if (this.#leaving) return; // the next run goes on with it
        if (!isCancellation(error)) this.#count('failed', messageOf(error));
        this.#ended(matter);
      },
    );
    this.#runs.set(matter.key, { matter, superseded: false, scope, ended });
  }

  #ended({ key }: RunningMatter): void {
    this.#runs.delete(key);
    this.#stirred = true;
    // So that the record learns what has come of it.
    this.poked = true;
  }

  async #letGo(): Promise<void> {
    this.#leaving = true;
    for (const { scope } of this.#runs.values()) scope.cancel();
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  #take({ keys, parked, loops, problem }: MatchedMessages, replay: string): void {
    for (const matched of keys) this.#add(matched, replay);
    this.#counts = { ...this.#counts, parked: this.#counts.parked + parked, loops: this.#counts.loops + loops };
    if (problem !== null) this.#problem = problem;
  }

  #add(matched: Parameters<typeof mergeMatter>[1], replay: string): void {
    this.#waiting.set(matched.key, mergeMatter(this.#waiting.get(matched.key), matched, { now: Date.now(), replay }));
    this.#counts = { ...this.#counts, matched: this.#counts.matched + matched.messages };
  }

  #count(what: keyof RuleCounts, problem: string | null = null): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
    if (problem !== null) this.#problem = problem;
  }

  #standing(): RuleStanding {
    const matters = [...this.#waiting.values(), ...[...this.#runs.values()].map(({ matter }) => matter)];
    return { settled: settledPosition(this.#position, matters), counts: this.#counts, problem: this.#problem };
  }

  /** For a caller who waits; the workflow must know where it stands first. */
  async #command<T>(operation: () => Promise<T>): Promise<T> {
    await condition(() => this.#begun || this.ending);
    try {
      return await CancellationScope.nonCancellable(operation);
    } catch (error) {
      if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) throw ApplicationFailure.nonRetryable(error.cause.message, error.cause.type ?? 'internal');
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
