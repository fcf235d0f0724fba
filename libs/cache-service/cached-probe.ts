export interface ProbeOptions {
  /** Milliseconds after which there is no answer. */
  readonly deadline?: number;
  /** Milliseconds for which an answer counts. */
  readonly trusted?: number;
  /** Milliseconds by a clock that only goes on. */
  readonly now?: () => number;
}

/** Whether something answers, asked every few seconds at most, however many want to know. What hangs is waited for, and not asked again meanwhile. */
export function cachedProbe(check: () => Promise<unknown>, { deadline = 5000, trusted = 3000, now = () => performance.now() }: ProbeOptions = {}): () => Promise<boolean> {
  let running: { readonly begun: number; readonly answer: Promise<boolean> } | undefined;
  let last: { readonly at: number; readonly answer: boolean } | undefined;

  async function ask(): Promise<boolean> {
    const answer = await check().then(
      () => true,
      () => false,
    );
    last = { at: now(), answer };
    running = undefined;
    return answer;
  }

  return async () => {
    if (last !== undefined && running === undefined && now() - last.at < trusted) return last.answer;
    running ??= { begun: now(), answer: ask() };
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), Math.max(0, deadline - (now() - running.begun)));
    try {
      return await Promise.race([running.answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}
