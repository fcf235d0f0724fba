import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { GetOptions, ObjectBody, ObjectStore, StoredObject } from '../../../libs/object-storage/object-store.js';

/** Objects in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryObjects {
  readonly held = new Map<string, Buffer>();
  /** Signals of reads that were begun. */
  readonly reads: { readonly key: string; readonly signal: AbortSignal | undefined }[] = [];
  failure: MillraceError | undefined;
  presigned: string | undefined;

  set(key: string, text: string): string {
    this.held.set(key, Buffer.from(text));
    return createHash('sha256').update(text).digest('hex');
  }

  store(): ObjectStore {
    const unused = (): never => {
      throw new Error('the gateway does not do this');
    };
    return { put: unused, copy: unused, head: unused, list: unused, remove: unused, close: () => undefined, get: (key, options) => this.#get(key, options), presign: (key) => Promise.resolve(this.presigned === undefined ? undefined : `${this.presigned}/${key}`) };
  }

  async receive(key: string, content: AsyncIterable<Buffer>): Promise<StoredObject & { readonly sha256: string }> {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    this.held.set(key, bytes);
    return { size: bytes.length, etag: 'e', sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  async #get(key: string, { range, signal }: GetOptions = {}): Promise<ObjectBody> {
    this.reads.push({ key, signal });
    if (this.failure !== undefined) throw this.failure;
    const bytes = this.held.get(key);
    if (bytes === undefined) throw new MillraceError('blob-not-found', `there is no ${key}`);
    const part = range === undefined ? bytes : bytes.subarray(range.start, (range.end ?? bytes.length) + 1);
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), modified: 0, etag: 'e', contentType: undefined, content: Readable.from(part.length === 0 ? [] : [part]) };
  }
}
