import { usageOf } from './process-usage.js';

export interface WatchedUsage {
  /** Milliseconds of processor time during the watch. */
  readonly cpu: number | undefined;
  /** Bytes: before, and the most that was seen. */
  readonly memoryBefore: number | undefined;
  readonly memoryPeak: number | undefined;
}

const sampleEvery = 250;

/** Watches processes and their descendants while `work` runs. */
export async function watchProcesses<Result>(roots: readonly number[], work: () => Promise<Result>): Promise<{ readonly result: Result; readonly usage: WatchedUsage }> {
  const before = usageOf(roots);
  let peak = before?.memory;
  const sample = (): void => {
    const now = usageOf(roots);
    if (now !== undefined) peak = Math.max(peak ?? 0, now.memory);
  };
  const timer = setInterval(sample, sampleEvery);
  try {
    const result = await work();
    sample();
    const after = usageOf(roots);
    const cpu = before === undefined || after === undefined ? undefined : after.cpu - before.cpu;
    return { result, usage: { cpu, memoryBefore: before?.memory, memoryPeak: peak } };
  } finally {
    clearInterval(timer);
  }
}
