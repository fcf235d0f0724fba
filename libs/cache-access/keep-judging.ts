import { isMillraceError } from '../errors/millrace-error.js';

/** Milliseconds between one look and the next, for whatever runs long: a right that was lost counts for no longer. */
export const judgedEvery = 10_000;

export interface Judging {
  /** Errors `unauthorized` and `forbidden` say that the right is lost; of others, such as a database that is away, the next look may know more. */
  readonly judge: () => Promise<void>;
  readonly lost: (error: Error) => void;
  readonly every?: number;
}

/** Looks again and again whether a caller may go on. Returns what ends it. */
export function keepJudging({ judge, lost, every = judgedEvery }: Judging): () => void {
  let ended = false;
  const begin = (): NodeJS.Timeout => setTimeout(() => void look(), every).unref();
  let timer = begin();

  async function look(): Promise<void> {
    try {
      await judge();
    } catch (error) {
      if (!ended && isMillraceError(error) && (error.code === 'unauthorized' || error.code === 'forbidden')) {
        ended = true;
        lost(error);
      }
    }
    if (!ended) timer = begin();
  }

  return () => {
    ended = true;
    clearTimeout(timer);
  };
}
