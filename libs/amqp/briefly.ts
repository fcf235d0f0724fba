/** Milliseconds. */
const longest = 2000;

/** Waits for a polite end of a connection, and not long: the other side may be gone. Never rejects. */
export async function briefly(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, longest);
  });
  const ended = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([ended, tooLate]);
  clearTimeout(timer);
}
