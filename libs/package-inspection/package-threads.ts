import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { createTurns } from '../inspection-threads/session-turns.js';
import { withinPatience, type PackageInspection } from '../repository-engine/package-inspection.js';
import type { InspectedPackage, PackageBytes } from '../repository-formats/package-format.js';
import { asThreadFailure, ofThreadFailure } from './thread-failure.js';
import type { ThreadAnswer, ThreadQuestion, ThreadResult, ThreadTask } from './thread-task.js';

export interface PackageThreadsOptions {
  /** That inspect at once; the machine's cores unless told, 2 to 8. */
  readonly threads?: number;
  /** Heap of one thread in MiB; a package that needs more is refused. */
  readonly heapMiB?: number;
  /** The built entry; specs pass their own. */
  readonly entry?: string;
}

const defaultHeap = 512;
const idleTimeout = 60_000;
const outOfMemory = 'ERR_WORKER_OUT_OF_MEMORY';

/**
 * Inspects packages off the event loop, which has heartbeats to send and others to answer. A thread does one at a time, and is ended with all that it has when its package takes
 * too long or too much memory. Starts no thread before the first package.
 */
export function createPackageThreads({ threads = Math.min(8, Math.max(2, availableParallelism())), heapMiB = defaultHeap, entry }: PackageThreadsOptions = {}): PackageInspection {
  const filename = entry ?? new URL('./package-thread.js', import.meta.url).href;
  const pool = new Piscina({ filename, minThreads: 0, maxThreads: threads, idleTimeout, concurrentTasksPerWorker: 1, resourceLimits: { maxOldGenerationSizeMb: heapMiB } });
  // A thread that fails between two packages has nobody to tell; without a listener it would end the process.
  pool.on('error', () => undefined);
  // Nothing waits in the pool's own queue, and the time of a package begins with its turn.
  const turns = createTurns(threads);

  return {
    inspect: ({ kind }, bytes, { sha256, settings, signal }) =>
      turns.take('', signal, () => withinPatience(bytes.size, signal, (patience) => runInThread(pool, { task: { kind, size: bytes.size, sha256, settings }, bytes, signal: patience, heapMiB }))),
    close: () => pool.destroy(),
  };
}

interface ThreadRun {
  readonly task: Omit<ThreadTask, 'port'>;
  readonly bytes: PackageBytes;
  readonly signal: AbortSignal;
  readonly heapMiB: number;
}

async function runInThread(pool: Piscina, { task, bytes, signal, heapMiB }: ThreadRun): Promise<InspectedPackage> {
  const { port1, port2 } = new MessageChannel();
  const reading = answerThread(port1, bytes);
  try {
    const result = (await pool.run({ ...task, port: port2 } satisfies ThreadTask, { transferList: [port2], signal })) as ThreadResult;
    // Whatever the format made of bytes that could not be had: it was the store.
    if ('failure' in result) throw reading.broken() ?? ofThreadFailure(result.failure);
    return { ...result.inspected, metadata: Buffer.from(result.inspected.metadata) };
  } catch (error) {
    if ((error as { code?: unknown }).code === outOfMemory) throw new MillraceError('package-invalid', `reading what it says of itself needs more than ${heapMiB} MiB of memory`, { cause: error });
    throw error;
  } finally {
    port1.close();
  }
}

/** Gives a thread the bytes that it asks for. `broken`: what the first of them could not be had for, unless the package itself points beyond its end. */
function answerThread(port: MessagePort, bytes: PackageBytes): { readonly broken: () => Error | undefined } {
  let broken: Error | undefined;
  port.on('message', ({ id, offset, length }: ThreadQuestion) => {
    bytes.read(offset, length).then(
      (read) => {
        // A copy of just these: what they are a part of is much longer, and stays.
        const copy = new Uint8Array(read);
        port.postMessage({ id, bytes: copy } satisfies ThreadAnswer, [copy.buffer]);
      },
      (error: unknown) => {
        if (!isMillraceError(error) || error.code !== 'package-invalid') broken ??= error as Error;
        port.postMessage({ id, failure: asThreadFailure(error) } satisfies ThreadAnswer);
      },
    );
  });
  return { broken: () => broken };
}
