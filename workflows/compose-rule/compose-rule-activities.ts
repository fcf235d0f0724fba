import type { RuleCounts } from '../../libs/compose-rules/rule-counts.js';

/** What the workflow needs to know of its rule; requests, templates and messages are not in histories. */
export interface RuleSettings {
  /** Seconds. */
  readonly debounce: { readonly quiet: number; readonly longest: number };
  readonly retry: { readonly times: number; readonly wait: number };
  readonly gateBefore: boolean;
  readonly gateAfter: boolean;
  readonly named: boolean;
}

export interface RuleBeginning {
  readonly settings: RuleSettings;
  readonly paused: boolean;
  /** Up to here nothing is left to be done. */
  readonly position: number;
  readonly counts: RuleCounts;
}

/** Messages with one key. */
export interface MatchedKey {
  readonly key: string;
  /** Of the newest, and of the oldest. */
  readonly position: number;
  readonly oldest: number;
  readonly messages: number;
}

export interface MatchedMessages {
  /** Of the last message that was looked at. */
  readonly position: number;
  readonly more: boolean;
  readonly keys: readonly MatchedKey[];
  readonly parked: number;
  readonly loops: number;
  /** Of one that was parked, or that closed a loop. */
  readonly problem: string | null;
}

/** Where the workflow stands; the record keeps it. */
export interface RuleStanding {
  readonly settled: number;
  readonly counts: RuleCounts;
  readonly problem: string | null;
}

/** One compose of a rule: which message makes it, and why. */
export interface MatterReference {
  readonly key: string;
  readonly position: number;
  readonly replay: string;
  readonly attempt: number;
}

export interface GateAnswer {
  readonly open: boolean;
  readonly summary: string;
  /** Seconds that it may stay closed. */
  readonly patience: number;
}

/** Short ones; `createComposeRuleActivities(options)` in activities/compose-rule makes them. All are idempotent. A rule that this worker's settings have not is tried again, at another worker. */
export interface ComposeRuleActivities {
  beginRule(rule: string): Promise<RuleBeginning>;
  readRule(rule: string): Promise<RuleSettings>;
  /** Looks at messages after a position and parks those that no request can be made of. `until`: a replay, which does not change where the rule stands. */
  matchMessages(rule: string, range: { readonly after: number; readonly most: number; readonly until?: number }, standing: RuleStanding): Promise<MatchedMessages>;
  /** Fails with `message-not-found`, and with `invalid-request` and the reason when the message makes no compose of this rule. */
  matchMessage(rule: string, position: number): Promise<MatchedKey>;
  /** The last position before a time. */
  positionBefore(time: string): Promise<number>;
  pauseRule(rule: string, by: string): Promise<void>;
  resumeRule(rule: string): Promise<void>;
  retireRule(rule: string, standing: RuleStanding & { readonly position: number }): Promise<void>;
  /** One question. What cannot be asked is closed. */
  askGate(rule: string, matter: MatterReference, question: { readonly when: 'before' | 'after'; readonly composeId: number | null }): Promise<GateAnswer>;
  /** Null: no request can be made of the message any more; it is parked. */
  requestCompose(rule: string, matter: MatterReference): Promise<{ readonly composeId: number | null; readonly problem: string | null }>;
  /** Points the rule's name at the compose. */
  promoteCompose(rule: string, matter: MatterReference, composeId: number): Promise<{ readonly problem: string | null }>;
}

/** On a task queue of its own. */
export interface ComposeWaitActivities {
  /** Resolves when the compose has ended. */
  awaitCompose(composeId: number): Promise<{ readonly done: boolean; readonly reason: string | null }>;
}
