import { UpstreamConnection, type ConnectedUpstream } from './upstream-connection.js';

export interface Origin {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

const idleMilliseconds = 4_000; // below the keep-alive of common origins (5 s), so that reuse seldom meets a close
const maximumIdlePerKey = 64;

/**
 * Idle upstream connections by session and origin. Never shared between sessions: what an origin ties to a connection
 * (authentication, rate limits) must not leak from one build to another.
 */
export class UpstreamPool {
  readonly #idle = new Map<string, UpstreamConnection[]>();
  readonly #timers = new Map<UpstreamConnection, NodeJS.Timeout>();

  static key(sessionId: string, origin: Origin): string {
    return `${sessionId} ${origin.scheme}://${origin.host}:${origin.port}`;
  }

  /** The most recently used idle connection, or undefined. */
  take(key: string): UpstreamConnection | undefined {
    const idle = this.#idle.get(key);
    const connection = idle?.pop();
    if (idle?.length === 0) this.#idle.delete(key);
    if (connection !== undefined) this.#stopTimer(connection);
    return connection;
  }

  adopt(upstream: ConnectedUpstream, key: string): UpstreamConnection {
    return new UpstreamConnection(upstream, key, (connection) => this.#release(connection), (connection) => this.#forget(connection));
  }

  /** Closes the idle connections of a session. */
  closeSession(sessionId: string): void {
    for (const [key, connections] of this.#idle) {
      if (key.startsWith(`${sessionId} `)) for (const connection of [...connections]) connection.destroy();
    }
  }

  close(): void {
    for (const connections of this.#idle.values()) for (const connection of [...connections]) connection.destroy();
  }

  #release(connection: UpstreamConnection): void {
    const idle = this.#idle.get(connection.key) ?? [];
    if (idle.length >= maximumIdlePerKey) {
      connection.destroy();
      return;
    }
    idle.push(connection);
    this.#idle.set(connection.key, idle);
    connection.upstream.socket.setTimeout(0);
    const timer = setTimeout(() => connection.destroy(), idleMilliseconds);
    timer.unref();
    this.#timers.set(connection, timer);
  }

  #forget(connection: UpstreamConnection): void {
    this.#stopTimer(connection);
    const idle = this.#idle.get(connection.key);
    const index = idle?.indexOf(connection) ?? -1;
    if (idle === undefined || index === -1) return;
    idle.splice(index, 1);
    if (idle.length === 0) this.#idle.delete(connection.key);
  }

  #stopTimer(connection: UpstreamConnection): void {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
  }
}
