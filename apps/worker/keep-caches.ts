export interface KeepCachesOptions {
  /** Names of those that the settings have. */
  readonly instances: readonly string[];
  readonly workflows: { readonly start: (instance: string) => Promise<void> };
  /** Milliseconds by a clock that only goes on. */
  readonly now?: () => number;
}

/** Milliseconds between two times that all are looked at. */
const interval = 300_000;

/**
 * A round: every instance has its workflow, and one that was terminated or lost with Temporal's data gets it again. Workflows of instances that the settings have no more
 * find that out by themselves. Rejects when Temporal is away: the next round begins again.
 */
export function keepCaches({ instances, workflows, now = () => performance.now() }: KeepCachesOptions): () => Promise<void> {
  let dueAt = -Infinity;
  return async () => {
    if (now() < dueAt) return;
    for (const instance of instances) await workflows.start(instance);
    dueAt = now() + interval;
  };
}
