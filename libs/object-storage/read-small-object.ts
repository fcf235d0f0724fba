import { isMillraceError } from '../errors/millrace-error.js';
import { gather } from './gather.js';
import type { Abortable, ObjectStore } from './object-store.js';

export interface SmallObjectOptions extends Required<Abortable> {
  /** Bytes. */
  readonly limit: number;
}

/** A whole object, as Millrace leaves them beside a repository; undefined when there is none, or when it is larger. Errors: those of the store. */
export async function readSmallObject(store: Pick<ObjectStore, 'get'>, key: string, { limit, signal }: SmallObjectOptions): Promise<Buffer | undefined> {
  try {
    const { size, content } = await store.get(key, { signal });
    if (size <= limit) return await gather(content, size, key);
    content.on('error', () => undefined).destroy();
    return undefined;
  } catch (error) {
    if (isMillraceError(error) && error.code === 'blob-not-found') return undefined;
    throw error;
  }
}
