import type { PackageBytes } from '../package-format.js';

/** Where debian-binary, control.tar and the header of data.tar usually lie: one request of a store in place of six. */
const windowBytes = 64 * 1024;

/** Reads more than it is asked for, and remembers the last piece. */
export function withReadAhead(bytes: PackageBytes): PackageBytes {
  let start = 0;
  let kept = Buffer.alloc(0);
  return {
    size: bytes.size,
    async read(offset, length) {
      if (offset < start || offset + length > start + kept.length) {
        kept = Buffer.from(await bytes.read(offset, Math.min(Math.max(length, windowBytes), bytes.size - offset)));
        start = offset;
      }
      return kept.subarray(offset - start, offset - start + length);
    },
  };
}
