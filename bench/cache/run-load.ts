export interface LoadFigures {
  readonly operations: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of processor time of this process, which makes the load. */
  readonly loadCpu: number;
}

/** Every client one operation after the other until the time is over, or an operation says `undefined`: nothing is left. What is under way then is brought to its end and counts. */
export async function runLoad<Client>(clients: readonly Client[], { seconds, operation, signal }: { readonly seconds: number; readonly operation: (client: Client) => Promise<number | undefined>; readonly signal: AbortSignal }): Promise<LoadFigures> {
  const latencies: number[] = [];
  let bytes = 0;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() - begin < seconds * 1000) {
        signal.throwIfAborted();
        const start = performance.now();
        const moved = await operation(client);
        if (moved === undefined) break;
        bytes += moved;
        latencies.push(performance.now() - start);
      }
    }),
  );
  const elapsed = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((one, other) => one - other);
  const at = (part: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { operations: latencies.length, bytes, seconds: elapsed, p50: at(0.5), p99: at(0.99), loadCpu: (user + system) / 1000 };
}
