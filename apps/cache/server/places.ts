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

export interface SharedPlaces {
  /** `owner`: whose place it is. As `take` of places. */
  of(owner: string): Places;
}

/** Places of which no owner has more than half: one that holds all that it gets keeps nobody else out. */
export function createSharedPlaces(count: number): SharedPlaces {
  const all = createPlaces(count);
  const shares = new Map<string, { readonly places: Places; users: number }>();

  async function take(owner: string, signal: AbortSignal): Promise<() => void> {
    const share = shares.get(owner) ?? { places: createPlaces(Math.max(1, Math.floor(count / 2))), users: 0 };
    shares.set(owner, share);
    share.users += 1;
    let release = (): void => undefined;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      release();
      share.users -= 1;
      if (share.users === 0) shares.delete(owner);
    };
    try {
      release = await share.places.take(signal);
      const leaveAll = await all.take(signal);
      const leaveOwn = release;
      release = () => {
        leaveAll();
        leaveOwn();
      };
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  return { of: (owner) => ({ take: async (signal) => take(owner, signal) }) };
}
