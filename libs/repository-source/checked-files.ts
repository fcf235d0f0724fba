import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { Checksum } from '../rpm/metadata/checksum.js';
import type { ChecksumIndex } from './checksum-index.js';
import type { ContentStore } from './content-store.js';
import type { ReadSource } from './read-source.js';
import { locationText, type SourceLocation } from './source-location.js';

export interface CheckedFile {
  readonly location: SourceLocation;
  readonly checksum: Checksum;
  /** Bytes; undefined or 0: not declared. */
  readonly size: number | undefined;
  /** Bytes that it has at most. */
  readonly limit: number;
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (() => void) | undefined;
}

export type FetchChecked = (file: CheckedFile, options: FetchOptions) => Promise<{ readonly sha256: string; readonly size: number }>;

/** Brings files that have a declared checksum into the content store, unless they are there: then neither the source is asked nor the file read. */
export function createCheckedFetch({ content, checksums, read }: { readonly content: ContentStore; readonly checksums: ChecksumIndex; readonly read: ReadSource }): FetchChecked {
  return async (file, options) => {
    const { location, checksum, limit } = file;
    options.signal.throwIfAborted();
    const size = file.size === 0 ? undefined : file.size;
    const where = locationText(location);
    if (size !== undefined && size > limit) throw new MillraceError('source-invalid', `${where} has ${size} bytes; ${limit} are the most that is accepted`);
    const known = await checksums.find(checksum, where);
    const stored = known === undefined ? undefined : await content.size(known);
    if (known !== undefined && stored !== undefined && (size === undefined || stored === size)) return { sha256: known, size: stored };
    const added = await content.add(read(location, { ...options, limit: size ?? limit, size }), { expected: checksum, limit }).catch((error: unknown) => {
      if (!isMillraceError(error) || error.code !== 'digest-mismatch') throw error;
      throw new MillraceError('source-changed', `${where} is not the file that the metadata declare: ${error.message}; it was changed, or its server is in the middle of an update`, { cause: error });
    });
    await checksums.remember(checksum, where, added.sha256);
    return added;
  };
}
