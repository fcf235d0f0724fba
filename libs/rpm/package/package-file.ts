import { refusal } from '../../inspection/refusal.js';
import { headerLength, introLength, parseHeader, parseHeaderIntro, type HeaderKind, type RpmHeader } from './header.js';
import { leadLength, parseLead } from './package-lead.js';

/** What stands before the payload of a package file. */
export interface PackageHead {
  /** 3 for packages of the formats v3 and v4, 4 for v6. */
  readonly major: number;
  readonly signature: RpmHeader;
  readonly header: RpmHeader;
  /** The main header as it is in the file, its magic included: what header digests and header signatures cover. */
  readonly headerBytes: Buffer;
  /** Where the main header starts and where the payload does, in bytes from the start of the file: `header-range` of rpm-md. */
  readonly headerRange: { readonly start: number; readonly end: number };
}

export interface PackageFile {
  readonly head: PackageHead;
  /** The payload as it is in the file: compressed. To be read at most once. */
  readonly payload: AsyncIterable<Buffer>;
}

/**
 * Reads a package file (formats v3, v4 and v6) as far as its payload, from a stream of chunks of hostile bytes. Memory: the two headers, within the
 * limits of `header.ts`. Throws a reason for whatever is no package file.
 */
export async function readPackageFile(chunks: AsyncIterable<Buffer>): Promise<PackageFile> {
  const reader = createExactReader(chunks[Symbol.asyncIterator]());
  const major = parseLead(await reader.take(leadLength));
  const signatureBytes = await takeHeader(reader, 'signature');
  await reader.take((8 - (signatureBytes.length % 8)) % 8);
  const start = reader.position();
  const headerBytes = await takeHeader(reader, 'main');
  const head = {
    major,
    signature: parseHeader(signatureBytes, 'signature'),
    header: parseHeader(headerBytes, 'main'),
    headerBytes,
    headerRange: { start, end: reader.position() },
  };
  return { head, payload: reader.rest() };
}

async function takeHeader(reader: ExactReader, kind: HeaderKind): Promise<Buffer> {
  const intro = await reader.take(introLength);
  const rest = await reader.take(headerLength(parseHeaderIntro(intro, kind)));
  return Buffer.concat([intro, rest]);
}

interface ExactReader {
  take(length: number): Promise<Buffer>;
  position(): number;
  rest(): AsyncIterable<Buffer>;
}

function createExactReader(iterator: AsyncIterator<Buffer>): ExactReader {
  let waiting: Buffer = Buffer.alloc(0);
  let position = 0;
  return {
    async take(length) {
      // Joined once: a header of many small chunks would else be copied once a chunk.
      const parts = [waiting];
      let size = waiting.length;
      while (size < length) {
        const next = await iterator.next();
        if (next.done === true) throw refusal('the package is truncated');
        parts.push(next.value);
        size += next.value.length;
      }
      const joined = parts.length === 1 ? waiting : Buffer.concat(parts, size);
      waiting = joined.subarray(length);
      position += length;
      return joined.subarray(0, length);
    },
    position: () => position,
    async *rest() {
      try {
        if (waiting.length > 0) yield waiting;
        for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
      } finally {
        await iterator.return?.();
      }
    },
  };
}
