/** Rejects with `onTimeout()` when `work` has not settled after `milliseconds`; the work goes on, its late failure is swallowed. */
export async function withDeadline<Value>(work: Promise<Value>, milliseconds: number, onTimeout: () => Error): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(onTimeout()), milliseconds);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
