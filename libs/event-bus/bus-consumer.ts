import type { RawMessage } from './read-bus-message.js';

export interface BusConsumption {
  /** Resolves when the message may be acknowledged; rejects when it has to come again. */
  readonly take: (raw: RawMessage) => Promise<unknown>;
  /** Called once messages flow. */
  readonly onConsuming: () => void;
  readonly signal: AbortSignal;
}

/** One bus that a worker takes messages from. */
export interface BusConsumer {
  readonly name: string;
  readonly type: string;
  /**
   * One connection: takes messages until the signal aborts, and resolves when those under way are acknowledged or given back. Rejects when the
   * connection is lost, or a message could not be taken, after giving back what is not acknowledged.
   */
  consume(consumption: BusConsumption): Promise<void>;
}
