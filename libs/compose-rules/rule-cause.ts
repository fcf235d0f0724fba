/** Why a rule asks for a compose; there is one compose for each. */
export interface RuleCause {
  readonly rule: string;
  readonly key: string;
  /** Of the message that makes the request. */
  readonly position: number;
  /** Empty, or which replay asks for it. */
  readonly replay: string;
  /** From 1; more when composes before it failed. */
  readonly attempt: number;
  /** Names of the rules that led to it, its own last. */
  readonly chain: readonly string[];
}

/** Owner of the composes of a rule. */
export const ruleOwner = (rule: string): string => `rule:${rule}`;
