/**
 * Runs jobs strictly one after the other, in the order they were handed in. Updates of a workflow interleave at every
 * `await`; without this a revoke and an end that arrive together would run their activities in parallel.
 */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    // A job that failed has told its own caller; the next one starts all the same.
    this.#last = result.catch(() => undefined);
    return result;
  }
}
