import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors/millrace-error.js';
import { gather } from '../object-storage/gather.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { PackageBytes } from '../repository-formats/package-format.js';

/** Bytes that are asked for at least: a header and what it points to are mostly in one piece. */
const readAhead = 128 * 1024;
/** Bytes that a format may ask for at once; each has smaller limits of its own. */
const longestRead = 512 * 1024 * 1024;
/** Pieces that are remembered: the head and the end of a package. */
const remembered = 4;

interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** An object of a store in parts; all of them of the very same object. Undefined when there is none. Errors: `storage-unavailable`, `storage-refused`, `storage-conflict`. */
export async function openPackageBytes(store: ObjectStore, key: string, signal: AbortSignal): Promise<PackageBytes | undefined> {
  const head = await store.head(key, { signal });
  if (head === undefined) return undefined;
  const { size, etag } = head;
  const pieces = new LRUCache<number, Piece>({ max: remembered });

  async function fetchPiece(offset: number, length: number): Promise<Piece> {
    const end = Math.min(size, offset + Math.max(length, readAhead)) - 1;
    const { content } = await store.get(key, { range: { start: offset, end }, etag, signal });
    const piece = { offset, bytes: await gather(content, end - offset + 1, key) };
    pieces.set(offset, piece);
    return piece;
  }

  return {
    size,
    async read(offset, length) {
      if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || length > longestRead || offset + length > size) {
        throw new MillraceError('package-invalid', `it points to bytes ${offset} to ${offset + length}, and has ${size}`);
      }
      if (length === 0) return Buffer.alloc(0);
      const known = [...pieces.values()].find((piece) => piece.offset <= offset && offset + length <= piece.offset + piece.bytes.length);
      const piece = known ?? (await fetchPiece(offset, length));
      return piece.bytes.subarray(offset - piece.offset, offset - piece.offset + length);
    },
  };
}
