import type { BusMessage } from '../compose-rules/bus-message.js';
import type { ComposeRule, RuleMatch } from '../compose-rules/compose-rule.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { matchRule } from '../compose-rules/match-rule.js';
import { errorMessage } from '../errors/error-message.js';
import { errorTable } from '../errors/error-table.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { RuleChains } from './rule-causes.js';

/** What a rule makes of a message. */
export type Judgement =
  | { readonly kind: 'none' }
  | { readonly kind: 'match'; readonly match: RuleMatch; readonly request: ComposeRequest; readonly chain: readonly string[] }
  /** The message is about a compose that the rule itself had led to. */
  | { readonly kind: 'loop'; readonly chain: readonly string[] }
  /** No request can be made of it. */
  | { readonly kind: 'unfit'; readonly reason: string; readonly key: string | null };

export interface JudgeOptions {
  readonly chains: RuleChains;
  /** As `POST /api/1/composes/` reads and checks its body. Errors: whatever stands in the way, as there. */
  readonly readRequest: (body: unknown) => ComposeRequest;
}

/** Errors: what may pass, such as `database-unavailable`. */
export async function judgeMessage(rule: ComposeRule, message: BusMessage, { chains, readRequest }: JudgeOptions): Promise<Judgement> {
  let key: string | null = null;
  try {
    const match = foreseen(() => matchRule(rule, message));
    if (match === undefined) return { kind: 'none' };
    key = match.key;
    const before = await chains.of(message.body);
    if (before.includes(rule.name)) return { kind: 'loop', chain: before };
    return { kind: 'match', match, request: foreseen(() => readRequest(match.request)), chain: [...before, rule.name] };
  } catch (error) {
    if (!isMillraceError(error) || errorTable[error.code].retryable) throw error;
    return { kind: 'unfit', reason: error.suggestion === undefined ? error.message : `${error.message} (${error.suggestion})`, key };
  }
}

/** Nothing but the message and the rule decides here: what nobody has foreseen would fail again, and no later message would be looked at. */
function foreseen<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw new MillraceError('invalid-request', `this message was not foreseen: ${errorMessage(error)}`, { cause: error });
  }
}
