import { briefly } from './briefly.js';

export interface KeptOpen<Open> {
  /** The connection as it is, or a new one. Rejects with what the last attempt failed with, until `close`. */
  readonly connected: () => Promise<Open>;
  /** Drops the connection, if there is one. Never rejects, and does not take long. */
  readonly close: () => Promise<void>;
}

/** One connection at a time, opened when it is first needed. One that was lost while there was nothing to do is no failure: another is opened. */
export function keepOpen<Open extends { readonly alive: () => boolean }>(open: () => Promise<Open>, end: (open: Open) => Promise<unknown>): KeptOpen<Open> {
  let opening: Promise<Open> | undefined;

  async function close(): Promise<void> {
    const current = opening;
    opening = undefined;
    if (current !== undefined) await briefly(current.then(end));
  }

  return {
    async connected() {
      const known = await opening;
      if (known?.alive() === false) await close();
      return (opening ??= open());
    },
    close,
  };
}
