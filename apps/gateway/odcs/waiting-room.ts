export const WAITING_ROOM = Symbol('WaitingRoom');
export const HEARTBEAT = Symbol('HeartbeatMilliseconds');

/** Requests that wait at once in one process, for long polls and event streams together. */
export const defaultSeats = 2000;
/** Milliseconds after which an event stream shows that it lives. */
export const defaultHeartbeat = 15_000;

/** How many requests may wait for news at once in this process; each costs a connection and memory for as long as it waits. */
export class WaitingRoom {
  private taken = 0;

  constructor(private readonly seats: number) {}

  /** Answers how to leave again; undefined: it is full. */
  enter(): (() => void) | undefined {
    if (this.taken >= this.seats) return undefined;
    this.taken += 1;
    let left = false;
    return () => {
      if (!left) this.taken -= 1;
      left = true;
    };
  }

  get waiting(): number {
    return this.taken;
  }
}
