import { condition, log, proxyActivities } from '@temporalio/workflow';
import { asCallersFailure, failureOf } from '../repository/step-failures.js';
import { publishCache, type PublishedCacheState } from './artifact-cache-search-attributes.js';
import type { ArtifactCacheActivities, CacheView, EvictionOrder } from './artifact-cache-activities.js';
import type { StepProblem } from '../repository/repository-activities.js';
import type { ArtifactCacheStatus, EvictionReport, EvictRequest } from './artifact-cache-messages.js';

const brief = proxyActivities<ArtifactCacheActivities>({ startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry: { initialInterval: '1s', maximumAttempts: 3 } });
/** Tells what is in use, which takes longer the more that is: without it there would be no eviction at all. */
const look = proxyActivities<Pick<ArtifactCacheActivities, 'lookAtCache'>>({ startToCloseTimeout: '10 minutes', heartbeatTimeout: '15s', retry: { initialInterval: '1s', maximumAttempts: 3 } });
const lengthy = proxyActivities<ArtifactCacheActivities>({ startToCloseTimeout: '30 minutes', heartbeatTimeout: '15s', retry: { initialInterval: '1s', maximumAttempts: 3 } });

/** Milliseconds. */
const garbageInterval = 300_000;
const ageInterval = 600_000;
const verifyInterval = 300_000;
const verifiesAnHour = 3_600_000 / verifyInterval;
/** Bytes of one activity, when an operator has everything verified. */
const verifiedAtOnce = 1024 ** 3;
/** Activities of one eviction: what is left then is for the next round. */
const evictionSteps = 50;

/** What one run hands to the next. Everything else is in the record. */
export interface CarriedCache {
  /** What an operator has said; undefined: nobody has. */
  readonly paused: boolean | undefined;
  readonly alarm: boolean;
  readonly garbageAt: number;
  readonly ageAt: number;
  readonly verifyAt: number;
  /** Where verification goes on; null: at the first blob. */
  readonly verifyAfter: string | null;
  readonly lastEviction: EvictionReport | undefined;
  readonly lastVerification: ArtifactCacheStatus['lastVerification'];
}

/** The settings have no such instance any more. */
export const instanceGone = new Error('the settings have no such instance');

/** What the workflow of a cache knows, what operators ask of it, and what is done by the clock. */
export class ArtifactCacheEntity {
  /** An operator has said something: the next round is due. */
  changed = true;
  /** Why callers are sent away; undefined: they are not. */
  leaving: StepProblem | undefined;
  #phase: ArtifactCacheStatus['phase'] = 'waiting';
  #busy = false;
  #view: CacheView | undefined;
  #lookedAt = 0;
  #problem: string | undefined;
  #published: PublishedCacheState | undefined;
  #carried: CarriedCache;

  constructor(
    readonly instance: string,
    carried: CarriedCache | undefined,
  ) {
    const now = Date.now();
    this.#carried = carried ?? { paused: undefined, alarm: false, garbageAt: now, ageAt: now, verifyAt: now, verifyAfter: null, lastEviction: undefined, lastVerification: undefined };
  }

  carried(): CarriedCache {
    return this.#carried;
  }

  status(): ArtifactCacheStatus {
    const usage = this.#view === undefined ? undefined : { ...this.#view.usage, at: new Date(this.#lookedAt).toISOString() };
    const { alarm, lastEviction, lastVerification } = this.#carried;
    return { instance: this.instance, phase: this.#phase, paused: this.#isPaused(), usage, alarm, lastEviction, lastVerification, problem: this.#problem };
  }

  pause(paused: boolean): void {
    this.#carried = { ...this.#carried, paused };
    this.changed = true;
  }

  /** As an operator asks for it, whether or not eviction is paused. */
  evict({ toBytes, dryRun, by }: EvictRequest): Promise<EvictionReport> {
    return this.#asked(async () => {
      const report = await this.#evict({ to: toBytes ?? 'quota', dryRun, by, reason: 'operator' });
      if (!dryRun) this.#carried = { ...this.#carried, lastEviction: report };
      this.changed = true;
      return report;
    });
  }

  /** Every blob, from the first to the last. */
  async verify(): Promise<{ readonly checked: number; readonly lost: number }> {
    let all = { checked: 0, lost: 0 };
    let after: string | null = null;
    do {
      const slice = await this.#asked(() => this.#verify(after, verifiedAtOnce));
      all = { checked: all.checked + slice.checked, lost: all.lost + slice.lost };
      after = slice.after;
    } while (after !== null);
    this.#carried = { ...this.#carried, lastVerification: { ...all, at: new Date().toISOString() } };
    return all;
  }

  /** Everything that is to be done now. Throws `instanceGone`; what fails otherwise is told and done again the next time. */
  async round(): Promise<void> {
    this.changed = false;
    try {
      await this.#alone(() => this.#work());
      this.#problem = undefined;
    } catch (error) {
      const { problem } = failureOf(error);
      if (problem.code === 'invalid-request') throw instanceGone;
      this.#problem = problem.message;
      log.warn('the upkeep of an artifact cache failed; it is done again in a minute', { instance: this.instance, ...problem });
    }
    this.#publish();
  }

  async #work(): Promise<void> {
    const view = await this.#look();
    if (view.usage.bytes > view.high && !this.#isPaused()) await this.#evictByQuota();
    if (view.ages && !this.#isPaused() && Date.now() >= this.#carried.ageAt) await this.#evictByAge();
    await this.#tellAlarm();
    if (Date.now() >= this.#carried.garbageAt) await this.#collect();
    if (view.verifiedHourly > 0 && Date.now() >= this.#carried.verifyAt) await this.#verifySome(view.verifiedHourly);
  }

  async #look(): Promise<CacheView> {
    const view = await look.lookAtCache(this.instance);
    this.#view = view;
    this.#lookedAt = Date.now();
    return view;
  }

  async #evictByQuota(): Promise<void> {
    const report = await this.#evict({ to: 'quota', dryRun: false, by: 'the quota', reason: 'quota' });
    this.#carried = { ...this.#carried, lastEviction: report, garbageAt: Date.now() };
    await this.#look();
  }

  async #evictByAge(): Promise<void> {
    this.#carried = { ...this.#carried, ageAt: Date.now() + ageInterval };
    const report = await this.#evict({ to: 'age', dryRun: false, by: 'the maximum age', reason: 'age' });
    if (report.entries + report.blobs > 0) this.#carried = { ...this.#carried, lastEviction: report, garbageAt: Date.now() };
  }

  async #evict(order: EvictionOrder): Promise<EvictionReport> {
    this.#phase = 'evicting';
    let sum = { entries: 0, blobs: 0, bytes: 0 };
    for (let step = 0; step < evictionSteps; step += 1) {
      const { entries, blobs, bytes, more } = await lengthy.evictFromCache(this.instance, order);
      sum = { entries: sum.entries + entries, blobs: sum.blobs + blobs, bytes: sum.bytes + bytes };
      if (!more || order.dryRun) break;
    }
    return { ...sum, dryRun: order.dryRun, by: order.by, at: new Date().toISOString() };
  }

  async #collect(): Promise<void> {
    this.#phase = 'collecting';
    await lengthy.collectCacheGarbage(this.instance);
    this.#carried = { ...this.#carried, garbageAt: Date.now() + garbageInterval };
  }

  /** A blob that is larger than what is due is paid for by the next rounds. */
  async #verifySome(hourly: number): Promise<void> {
    const due = hourly / verifiesAnHour;
    const { checked, lost, bytes, after } = await this.#verify(this.#carried.verifyAfter, due);
    const now = Date.now();
    const verifyAt = now + verifyInterval * Math.max(1, bytes / due);
    this.#carried = { ...this.#carried, verifyAfter: after, verifyAt, lastVerification: { checked, lost, at: new Date(now).toISOString() } };
  }

  #verify(after: string | null, bytes: number): ReturnType<ArtifactCacheActivities['verifyCache']> {
    this.#phase = 'verifying';
    return lengthy.verifyCache(this.instance, { after, bytes: Math.ceil(bytes) });
  }

  async #tellAlarm(): Promise<void> {
    const { usage, high, limit } = this.#view!;
    const raised = usage.bytes > high;
    if (raised === this.#carried.alarm) return;
    await brief.tellCacheAlarm(this.instance, { state: raised ? 'raised' : 'cleared', bytes: usage.bytes, high, limit });
    this.#carried = { ...this.#carried, alarm: raised };
  }

  #isPaused(): boolean {
    return this.#carried.paused ?? this.#view?.paused ?? false;
  }

  async #asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#alone(work);
    } catch (error) {
      throw asCallersFailure(failureOf(error).problem);
    }
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    await condition(() => !this.#busy);
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
      this.#phase = 'waiting';
    }
  }

  #publish(): void {
    const state = this.#problem !== undefined ? 'trouble' : this.#carried.alarm ? 'full' : this.#isPaused() ? 'paused' : 'well';
    if (state !== this.#published) publishCache(state);
    this.#published = state;
  }
}
