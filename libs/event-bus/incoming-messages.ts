import type { BusMessage, ReceivedMessage } from '../compose-rules/bus-message.js';

/** Messages of buses, kept until their time is over. Errors: `database-unavailable`, `message-not-found`. */
export interface IncomingMessages {
  /** Resolves when the message is durable, so that it may be acknowledged. One that is known already keeps its position. */
  accept(message: BusMessage): Promise<{ readonly position: number; readonly known: boolean }>;
  /** The next ones with a higher position, in order: at least one if there is any, and no more at once than memory should hold, so fewer than the limit do not mean that these are all. */
  after(position: number, limit: number): Promise<readonly ReceivedMessage[]>;
  get(position: number): Promise<ReceivedMessage>;
  /** The last position whose message was received before this time (RFC 3339); 0: none is kept that is older. */
  positionBefore(time: string): Promise<number>;
  /** Resolves when there may be messages after this position, or when the time is over. */
  changed(position: number, options: { readonly milliseconds: number; readonly signal: AbortSignal }): Promise<void>;
  /** What cannot become a message (no JSON, too large) or what a rule cannot make a request of. `rule` null: no rule can read it. Twice the same is parked once. */
  park(parked: NewParkedMessage, unread?: UnreadMessage): Promise<void>;
  parked(query: { readonly limit: number; readonly beforeId?: number }): Promise<readonly ParkedMessage[]>;
  /** Forgets the parked message. A rule that parked it is told to look at the message again by whoever calls this. */
  unpark(id: number): Promise<ParkedMessage>;
  /** Removes what was received before this time and is not parked. Answers how many. */
  removeBefore(time: string): Promise<number>;
}

export interface NewParkedMessage {
  readonly bus: string;
  readonly topic: string;
  /** Where it was received; null for what never became a message. */
  readonly position: number | null;
  readonly rule: string | null;
  readonly reason: string;
  /** First bytes of what came, as text, for a reader. */
  readonly excerpt: string;
}

/** What came and is no message, to be read again by command. */
export interface UnreadMessage {
  /** As they came; null when there were too many to keep. */
  readonly bytes: Buffer | null;
  readonly details: { readonly id: string | null; readonly topic: string; readonly encoding: string | null; /** Lower-case hex SHA-256 of all that came. */ readonly sha256: string };
}

export interface ParkedMessage extends NewParkedMessage {
  readonly id: number;
  /** RFC 3339. */
  readonly parkedAt: string;
}
