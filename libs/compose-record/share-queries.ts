type Query<Result> = (statement: string, parameters: readonly unknown[]) => Promise<Result>;

interface Shared<Result> {
  readonly running: Promise<Result>;
  /** Begins when `running` has ended. */
  next: Promise<Result> | undefined;
}

/**
 * Equal queries at the same time become one, however many ask: who asks while one is running gets the answer of the next, because the
 * running one may have begun before what the asker has seen. So every answer is as new as that of a query of one's own.
 */
export function shareQueries<Result>(run: Query<Result>): Query<Result> {
  const shared = new Map<string, Shared<Result>>();

  function start(key: string, statement: string, parameters: readonly unknown[]): Promise<Result> {
    const running = run(statement, parameters);
    const entry: Shared<Result> = { running, next: undefined };
    shared.set(key, entry);
    const over = (): void => {
      if (entry.next === undefined) shared.delete(key);
    };
    running.then(over, over);
    return running;
  }

  return (statement, parameters) => {
    const key = JSON.stringify([statement, parameters]);
    const entry = shared.get(key);
    if (entry === undefined) return start(key, statement, parameters);
    const begin = (): Promise<Result> => start(key, statement, parameters);
    entry.next ??= entry.running.then(begin, begin);
    return entry.next;
  };
}
