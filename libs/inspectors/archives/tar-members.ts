import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { createByteSource } from './byte-source.js';
import { safeEntryPath } from './entry-path.js';
import { isZeroBlock, parseTarHeader } from './tar-header.js';

/** Where the content of one file of an uncompressed tar archive lies in it, in bytes. */
export interface TarMember {
  readonly offset: number;
  readonly size: number;
}

/** Packages that are a tar of a few files have some ten of them. */
const maxMembers = 64;

/**
 * Reads the headers of a body that is an uncompressed tar of a few plain files (a gem, a Hex package), to its end. Throws a reason for
 * anything but plain files, a file that comes twice, data after the end mark, and damage.
 */
export async function listTarMembers(body: InspectedBody, context: InspectionContext): Promise<ReadonlyMap<string, TarMember>> {
  const stream = body.open();
  const source = createByteSource((stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  const members = new Map<string, TarMember>();
  let offset = 0;
  try {
    for (;;) {
      context.signal?.throwIfAborted();
      const block = await source.read(512);
      if (block === undefined || isZeroBlock(block)) break;
      const { name, size, typeFlag } = parseTarHeader(block);
      const path = safeEntryPath(name);
      const shown = JSON.stringify(path.slice(0, 120));
      if (typeFlag !== '0') throw refusal(`the package's member ${shown} is not a plain file`);
      if (members.has(path)) throw refusal(`the package has its member ${shown} twice`);
      if (members.size >= maxMembers) throw limitExceeded(`the package has more than ${maxMembers} members`);
      members.set(path, { offset: offset + 512, size });
      const whole = size + ((512 - (size % 512)) % 512);
      await source.skip(whole);
      offset += 512 + whole;
    }
    if (members.size === 0) throw refusal('the package is not a tar archive, or an empty one');
    if (!(await source.onlyZerosLeft())) throw refusal('the tar archive has data after its end mark');
    return members;
  } finally {
    stream.destroy();
  }
}

/** The content of one member as a stream. */
export function openTarMember(body: InspectedBody, member: TarMember): Readable {
  return Readable.from(sliceOf(body, member), { objectMode: false });
}

/** All of a member's content; throws when it is more than `limit` bytes. */
export async function readTarMember(body: InspectedBody, member: TarMember, limit: number): Promise<Buffer> {
  if (member.size > limit) throw limitExceeded(`a member of the package is larger than ${limit} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of sliceOf(body, member)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Digest of a member's content as lower-case hex. */
export async function digestTarMember(body: InspectedBody, member: TarMember, options: { algorithm: string; context: InspectionContext }): Promise<string> {
  const hash = createHash(options.algorithm);
  for await (const chunk of sliceOf(body, member)) {
    options.context.signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

async function* sliceOf(body: InspectedBody, { offset, size }: TarMember): AsyncGenerator<Buffer> {
  const stream = body.open();
  const end = offset + size;
  let at = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const part = chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at));
      at += chunk.length;
      if (part.length > 0) yield part;
      if (at >= end) return;
    }
  } finally {
    stream.destroy();
  }
}
