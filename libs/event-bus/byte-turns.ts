/** Runs the work when there is room for so many bytes. */
export type ByteTurns = <T>(bytes: number, work: () => Promise<T>) => Promise<T>;

/** Work on no more bytes than this at once, in the order in which it comes; what is larger than that has all the room for itself. */
export function createByteTurns(limit: number): ByteTurns {
  const waiting: { readonly bytes: number; readonly begin: () => void }[] = [];
  let used = 0;

  function beginNext(): void {
    for (let next = waiting[0]; next !== undefined && (used === 0 || used + next.bytes <= limit); next = waiting[0]) {
      waiting.shift();
      used += next.bytes;
      next.begin();
    }
  }

  return async (bytes, work) => {
    await new Promise<void>((begin) => {
      waiting.push({ bytes, begin });
      beginNext();
    });
    try {
      return await work();
    } finally {
      used -= bytes;
      beginNext();
    }
  };
}
