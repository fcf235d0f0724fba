/** So many at a time; whoever comes later waits in line, unless what it waits for is called off. */
export interface Places {
  /** Returns what gives the place back; calling it again does nothing. Rejects with the reason of the signal. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createPlaces(count: number): Places {
  let free = count;
  const line = new Set<() => void>();
  const giveBack = (): void => {
    const [next] = line;
    if (next === undefined) free += 1;
    else next();
  };
  const placeOf = (): (() => void) => {
    let given = false;
    return () => {
      if (!given) giveBack();
      given = true;
    };
  };
  return {
    take: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return placeOf();
      }
      const turn = Promise.withResolvers<undefined>();
      const step = (): void => {
        line.delete(step);
        turn.resolve(undefined);
      };
      const leave = (): void => {
        if (line.delete(step)) turn.reject(signal.reason);
      };
      line.add(step);
      signal.addEventListener('abort', leave, { once: true });
      await turn.promise;
      signal.removeEventListener('abort', leave);
      return placeOf();
    },
  };
}
