/** Tells the time since it was last asked. */
export function createStopwatch(): () => string {
  let since = performance.now();
  return () => {
    const [before, now] = [since, performance.now()];
    since = now;
    return `${((now - before) / 1000).toFixed(2)} s`;
  };
}
