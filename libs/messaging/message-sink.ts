export interface DeliverableMessage {
  /** UUID, the same at every repetition. */
  readonly messageId: string;
  readonly streamId: string;
  readonly topic: string;
  /** JSON, exactly as it is sent. */
  readonly body: string;
  /** Seconds since 1970, when the message was left. */
  readonly createdAt: number;
}

export interface PublishResult {
  /** How many of the messages, from the first, the other side has taken over. */
  readonly accepted: number;
  /** Why the next one was not; undefined when all were accepted. */
  readonly failure?: PublishFailure;
}

export interface PublishFailure {
  /** Without secrets: it is logged and stored. */
  readonly reason: string;
  /** The other side will not have this message, however often it is sent. */
  readonly refused?: boolean;
}

/** One destination of messages. It connects when it first publishes. */
export interface MessageSink {
  readonly name: string;
  readonly type: string;
  /** Where it begins when it is new: with messages left from now on, or with all that are still kept. */
  readonly from: 'now' | 'oldest';
  /** Most messages that it takes at once; they are of different streams. */
  readonly batch: number;
  /** Resolves when the other side has answered for each. Gives up when `signal` aborts. What it rejects with is a failure with nothing accepted. */
  publish(messages: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult>;
  /** Drops the connection, if there is one; the next `publish` opens another. Never rejects. */
  close(): Promise<void>;
}
