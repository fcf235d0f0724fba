import { setImmediate } from 'node:timers/promises';

/** Milliseconds that messages are looked at without a break: heartbeats and everybody else's answers wait that long. */
const longest = 20;

/** To be called between two pieces of work; lets others have their turn when it is time. */
export function takeBreaks(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < longest) return;
    await setImmediate();
    since = performance.now();
  };
}
