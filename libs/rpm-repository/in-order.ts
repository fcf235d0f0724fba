/** Works on several items at once, at most `width`, and gives the results in the order of the items. Rejects with the first error, after all that began has ended. */
export async function* inOrder<Item, Result>(items: Iterable<Item> | AsyncIterable<Item>, width: number, work: (item: Item) => Promise<Result>): AsyncGenerator<Result, void> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Whoever waits for an earlier one must not leave this one's error unhandled.
      result.catch(() => undefined);
      running.push(result);
      if (running.length >= width) yield await (running.shift() as Promise<Result>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
