import { inTime } from '../in-time.js';

export interface KeptAnswer<Value> {
  /** As old as `freshFor` at most, or older while who is asked does not answer. */
  get(): Promise<Value>;
  /** A newer one, unless it was asked for a moment ago: then the one that is there. */
  renewed(): Promise<Value>;
}

export interface KeptAnswerOptions<Value> {
  readonly ask: () => Promise<Value>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly freshFor: number;
  /** How long an old one is used while there is no newer. */
  readonly keptFor: number;
  /** Between one question and the next, whatever came of it. */
  readonly notBefore: number;
}

/** For a newer answer while there is one that may be used, in milliseconds: callers have little time to be known. */
const longestWait = 1500;

/** Something of a provider that changes seldom. Callers share one question, and cannot make it be asked again and again. */
export function keepAnswer<Value>({ ask, now, freshFor, keptFor, notBefore }: KeptAnswerOptions<Value>): KeptAnswer<Value> {
  let kept: { readonly value: Value; readonly at: number } | undefined;
  let failed: { readonly error: unknown } | undefined;
  let askedAt = -Infinity;
  let running: Promise<Value> | undefined;

  function usable(age: number): boolean {
    return kept !== undefined && now() - kept.at < age;
  }

  async function askNow(): Promise<Value> {
    askedAt = now();
    try {
      const value = await ask();
      kept = { value, at: now() };
      failed = undefined;
      return value;
    } catch (error) {
      failed = { error };
      throw error;
    }
  }

  /** Errors: those of the question. */
  async function newer(patience = Infinity): Promise<Value> {
    if (running === undefined) {
      if (now() - askedAt < notBefore) {
        if (kept !== undefined && usable(keptFor)) return kept.value;
        if (failed !== undefined) throw failed.error;
      }
      running = askNow().finally(() => (running = undefined));
    }
    try {
      return await inTime(running, patience);
    } catch (error) {
      if (kept !== undefined && usable(keptFor)) return kept.value;
      throw error;
    }
  }

  return {
    get: async () => (kept !== undefined && usable(freshFor) ? kept.value : newer(kept !== undefined && usable(keptFor) ? longestWait : Infinity)),
    renewed: () => newer(),
  };
}
