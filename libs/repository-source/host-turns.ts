/** Lets so many pieces of work for one host run at once; the others wait in their order. */
export interface HostTurns {
  /** Resolves with what gives the turn back. Rejects with the signal's reason while it waits. */
  take(host: string, signal: AbortSignal): Promise<() => void>;
}

interface Host {
  running: number;
  readonly waiting: Set<() => void>;
}

export function createHostTurns(atOnce: number): HostTurns {
  const hosts = new Map<string, Host>();

  function giveBack(name: string, host: Host): () => void {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const [next] = host.waiting;
      if (next !== undefined) return next();
      host.running -= 1;
      if (host.running === 0) hosts.delete(name);
    };
  }

  return {
    take(name, signal) {
      signal.throwIfAborted();
      const host = hosts.get(name) ?? { running: 0, waiting: new Set() };
      hosts.set(name, host);
      if (host.running < atOnce) {
        host.running += 1;
        return Promise.resolve(giveBack(name, host));
      }
      return new Promise((resolve, reject) => {
        const onAbort = (): void => {
          host.waiting.delete(onTurn);
          reject(signal.reason as Error);
        };
        const onTurn = (): void => {
          host.waiting.delete(onTurn);
          signal.removeEventListener('abort', onAbort);
          resolve(giveBack(name, host));
        };
        host.waiting.add(onTurn);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}
