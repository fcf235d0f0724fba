import { stat } from 'node:fs/promises';

export interface WatchOptions {
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Called after one of the files is another than before, one call at a time. */
  readonly changed: () => Promise<void>;
  readonly onProblem: (error: unknown) => void;
}

/** Looks at files again and again: editors and orchestrators replace them in ways that no notification tells of everywhere. */
export function watchFiles(files: readonly string[], { every, changed, onProblem }: WatchOptions): { close(): Promise<void> } {
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  async function look(before: string): Promise<void> {
    const now = await stampOf(files);
    if (now !== before && !ended) await changed().catch(onProblem);
    begin(now);
  }

  function begin(seen: string): void {
    if (!ended) timer = setTimeout(() => void (looking = look(seen)), every).unref();
  }

  if (files.length > 0) looking = stampOf(files).then(begin);
  return {
    async close() {
      ended = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

async function stampOf(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(async (file) => stat(file).then(({ mtimeMs, ino, size }) => `${mtimeMs}/${ino}/${size}`, () => 'none')))).join(' ');
}
