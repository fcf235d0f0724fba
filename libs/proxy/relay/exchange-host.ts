import type { Socket } from 'node:net';

/** What an exchange needs from the client connection that it runs on. */
export interface ExchangeHost {
  readonly socket: Socket;
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
