import type { MessagePort } from 'node:worker_threads';
import type { PackageBytes } from '../repository-formats/package-format.js';
import { repositoryFormats } from '../repository-formats/repository-formats.js';
import { asThreadFailure, ofThreadFailure } from './thread-failure.js';
import type { ThreadAnswer, ThreadQuestion, ThreadResult, ThreadTask } from './thread-task.js';

/** Entry of a thread that inspects packages; the pool calls its default export once a task. */
export default async function inspectInThread({ kind, size, sha256, settings, port }: ThreadTask): Promise<ThreadResult> {
  try {
    return { inspected: await repositoryFormats[kind].inspect(bytesOf(port, size), { sha256, settings }) };
  } catch (error) {
    return { failure: asThreadFailure(error) };
  } finally {
    port.close();
  }
}

/** Of the process: it has the connection to the store. */
function bytesOf(port: MessagePort, size: number): PackageBytes {
  const waiting = new Map<number, PromiseWithResolvers<Buffer>>();
  let last = 0;
  port.on('message', ({ id, bytes, failure }: ThreadAnswer) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (bytes !== undefined) asked?.resolve(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    else if (failure !== undefined) asked?.reject(ofThreadFailure(failure));
  });
  return {
    size,
    read(offset, length) {
      const asked = Promise.withResolvers<Buffer>();
      last += 1;
      waiting.set(last, asked);
      port.postMessage({ id: last, offset, length } satisfies ThreadQuestion);
      return asked.promise;
    },
  };
}
