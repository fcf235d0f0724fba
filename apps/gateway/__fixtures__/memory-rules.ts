import type { ComposeRule } from '../../../libs/compose-rules/compose-rule.js';
import { noCounts } from '../../../libs/compose-rules/rule-counts.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { RecordedRule } from '../../../libs/rule-record/create-rule-record.js';
import type { ComposeRuleStatus } from '../../../workflows/compose-rule/compose-rule-messages.js';
import type { RuleDependencies } from '../gateway-ports.js';

/** Rules in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryRules {
  readonly told: string[] = [];
  readonly held = new Map<string, RecordedRule>();
  /** What the engine rejects with. */
  away: MillraceError | undefined;

  constructor(private readonly rules: readonly ComposeRule[] = []) {
    for (const { name } of rules) this.set(name, {});
  }

  set(name: string, change: Partial<RecordedRule>): void {
    const fresh: RecordedRule = { name, position: 7, settled: 7, behind: 2, counts: noCounts, problem: null, pausedAt: null, pausedBy: null, retiredAt: null };
    this.held.set(name, { ...(this.held.get(name) ?? fresh), ...change });
  }

  dependencies(): RuleDependencies {
    const told = async (rule: string, what: string): Promise<ComposeRuleStatus> => {
      if (this.away !== undefined) throw this.away;
      this.told.push(what);
      return { rule, paused: false, position: 7, replaying: 0, matters: [{ key: 'f41', state: 'composing', position: 7, messages: 3, composeId: 9, attempt: 1 }], counts: noCounts, problem: null };
    };
    return {
      rules: new Map(this.rules.map((rule) => [rule.name, rule])),
      chains: { of: async (body) => ((body as { chain?: string[] } | null)?.chain ?? []) },
      record: {
        list: async () => [...this.held.values()],
        get: async (name) => this.held.get(name) ?? Promise.reject(new MillraceError('rule-not-found', `there is no rule ${name}`)),
        composes: async () => [{ composeId: 9, key: 'f41', position: 7, replay: '', attempt: 1, chain: ['tags'], requestedAt: '2026-03-20T10:00:00.000Z' }],
      },
      workflows: {
        pause: (rule, by) => told(rule, `pause ${rule} by ${by}`),
        resume: (rule, by) => told(rule, `resume ${rule} by ${by}`),
        replay: (rule, { by, since, position }) => told(rule, `replay ${rule} ${since ?? position} by ${by}`),
        status: (rule) => told(rule, `status ${rule}`),
      },
    };
  }
}
