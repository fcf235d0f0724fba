import type { Gates } from '../../libs/compose-gates/gate.js';
import type { ComposeNames } from '../../libs/compose-names/compose-names.js';
import type { ComposeCommands, ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { ComposeRule } from '../../libs/compose-rules/compose-rule.js';
import type { IncomingMessages } from '../../libs/event-bus/incoming-messages.js';
import type { RuleRecord } from '../../libs/rule-record/create-rule-record.js';
import type { JudgeOptions } from '../../libs/rule-record/judge-message.js';

export interface ComposeRuleActivityOptions extends JudgeOptions {
  readonly rules: ReadonlyMap<string, ComposeRule>;
  readonly record: RuleRecord;
  readonly incoming: Pick<IncomingMessages, 'after' | 'get' | 'positionBefore' | 'park'>;
  readonly commands: Pick<ComposeCommands, 'request'>;
  readonly reads: Pick<ComposeReads, 'get'>;
  readonly names: Pick<ComposeNames, 'promote'>;
  readonly gates: Gates;
}
