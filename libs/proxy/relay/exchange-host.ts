/** The part of a socket that an answer is written to. */
export interface AnswerSink {
  readonly destroyed: boolean;
  write(data: Buffer | string, encoding?: BufferEncoding): boolean;
  cork(): void;
  uncork(): void;
  destroy(): void;
}

/** What an exchange needs from the client connection that it runs on. */
export interface ExchangeHost {
  readonly socket: AnswerSink;
  readonly clientAddress: string;
  pauseRequest(): void;
  resumeRequest(): void;
  /** The exchange is over; `keepAlive` false closes the connection when all is written. */
  exchangeDone(keepAlive: boolean): void;
}

/** A request that is refused before anything else is looked at. */
export interface ImmediateRefusal {
  readonly rule: string;
  readonly reason: string;
  readonly status: number;
}
