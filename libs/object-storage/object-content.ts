import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { MillraceError } from '../errors/millrace-error.js';
import type { ObjectContent, PutOptions } from './object-store.js';

/** Bytes; undefined when nobody knows. */
export async function sizeOfContent(content: ObjectContent): Promise<number | undefined> {
  if (Buffer.isBuffer(content)) return content.length;
  return 'file' in content ? (await stat(content.file)).size : content.size;
}

export interface CheckedContent {
  /** Fails after the last chunk when the whole is not what was promised. Errors: `digest-mismatch`. */
  readonly chunks: AsyncIterable<Buffer>;
  /** After the last chunk. */
  readonly result: () => { readonly size: number; readonly sha256: string };
}

/** The bytes of a put, hashed and counted as they pass. */
export function checkedContent(key: string, content: ObjectContent, { sha256: promised, signal }: Pick<PutOptions, 'sha256' | 'signal'>): CheckedContent {
  const hash = createHash('sha256');
  let size = 0;
  let digest: string | undefined;
  const expected = Buffer.isBuffer(content) || 'file' in content ? undefined : content.size;

  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of bytesOf(content)) {
      signal?.throwIfAborted();
      size += chunk.length;
      if (expected !== undefined && size > expected) throw mismatch(key, `more than the ${expected} bytes that were promised`);
      hash.update(chunk);
      yield chunk;
    }
    if (expected !== undefined && size !== expected) throw mismatch(key, `${size} bytes in the place of ${expected}`);
    digest = hash.digest('hex');
    if (promised !== undefined && digest !== promised) throw mismatch(key, `sha256 ${digest} in the place of ${promised}`);
  }

  return {
    chunks: chunks(),
    result: () => {
      if (digest === undefined) throw new Error('the content has not been read to its end');
      return { size, sha256: digest };
    },
  };
}

function bytesOf(content: ObjectContent): AsyncIterable<Buffer> | Iterable<Buffer> {
  if (Buffer.isBuffer(content)) return [content];
  return 'file' in content ? createReadStream(content.file, { highWaterMark: 256 * 1024 }) : content.stream;
}

function mismatch(key: string, what: string): MillraceError {
  return new MillraceError('digest-mismatch', `what was sent for ${key} has ${what}`, { suggestion: 'Send it again; nothing of it has been kept.' });
}
