import { closeSync, fstatSync, readSync } from 'node:fs';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import { readPackageHead } from '../rpm/package/package-head.js';
import { giveBack, openPackage } from './open-package.js';
import { recordOfHead } from './record-of-head.js';

/** Reads the headers of a package file. Errors: `blob-not-found` (no such file), `source-invalid` (no sound package). */
export async function readPackageRecord(file: string, sha256: string): Promise<Buffer> {
  const { descriptor, buffer, length } = await openPackage(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new MillraceError('blob-not-found', `the content store has no package file ${sha256}`, { cause: error });
  });
  try {
    const first = buffer.subarray(0, length);
    const size = fstatSync(descriptor).size;
    const head = readPackageHead((position, length) => (position + length <= first.length ? first.subarray(position, position + length) : readRange(descriptor, { position, length, size })));
    return recordOfHead(head, { sha256, size });
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new MillraceError('source-invalid', `the package file ${sha256} cannot be used: ${errorMessage(cause)}`, { cause });
  } finally {
    closeSync(descriptor);
    // Whatever was read of it is text by now, in strings of its own.
    giveBack(buffer);
  }
}

function readRange(descriptor: number, { position, length, size }: { readonly position: number; readonly length: number; readonly size: number }): Buffer {
  // Never more memory than the file has bytes, whatever a header announces.
  const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - position)));
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
