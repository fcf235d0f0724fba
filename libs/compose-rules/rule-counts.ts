/** What came of messages since the rule began. */
export interface RuleCounts {
  /** Messages that matched. */
  readonly matched: number;
  /** Composes asked for; of them, those that failed. */
  readonly requested: number;
  readonly failed: number;
  /** Composes that were done, and passed the gate after them. */
  readonly done: number;
  /** Given up by a gate. */
  readonly refused: number;
  /** Messages that no request could be made of. */
  readonly parked: number;
  /** Messages about composes that the rule itself had led to. */
  readonly loops: number;
}

export const noCounts: RuleCounts = { matched: 0, requested: 0, failed: 0, done: 0, refused: 0, parked: 0, loops: 0 };
