/** What the cache stands on, as it was some seconds ago at most. */
export interface CacheState {
  readonly database: boolean;
  readonly store: boolean;
}

export function isServing({ database, store }: CacheState): boolean {
  return database && store;
}

/** Services that tell what they know without either. */
const selfReliant: ReadonlySet<string> = new Set(['build.bazel.remote.execution.v2.Capabilities']);
/** Services that answer from the record, also while the store is away. */
const withoutStore: ReadonlySet<string> = new Set(['build.bazel.remote.execution.v2.ActionCache', 'build.bazel.remote.asset.v1.Fetch', 'build.bazel.remote.asset.v1.Push', 'buildstream.v2.ReferenceStorage']);

/** The empty name is the cache as a whole. */
export function isServiceServing(service: string, state: CacheState): boolean {
  if (selfReliant.has(service)) return true;
  return withoutStore.has(service) ? state.database : isServing(state);
}

/** Milliseconds. */
const interval = 3000;

/** Asks on and on, so that no probe has to wait. Returns what ends it. */
export function watchHealth(state: () => Promise<CacheState>, { tell, every = interval }: { readonly tell: (state: CacheState) => void; readonly every?: number }): () => void {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void =>
    void state().then((found) => {
      if (ended) return;
      tell(found);
      timer = setTimeout(look, every).unref();
    });
  look();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
