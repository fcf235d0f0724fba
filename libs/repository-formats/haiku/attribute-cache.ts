import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What an index was written from, by digest of the package, so that the next one asks the database only for what is new. */
export type KnownMetadata = ReadonlyMap<string, Buffer>;

const digestSize = 32;
const headSize = digestSize + 4;

/** One file: a digest of the rest, then the digest of each package, the length of its metadata, and those. Whatever is wrong with it, it is as if it were not there. */
export async function readAttributeCache(file: string): Promise<KnownMetadata> {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0));
  const content = bytes.subarray(digestSize);
  const known = new Map<string, Buffer>();
  if (bytes.length < digestSize || !createHash('sha256').update(content).digest().equals(bytes.subarray(0, digestSize))) return known;
  for (let at = 0; at + headSize <= content.length; ) {
    const end = at + headSize + content.readUInt32BE(at + digestSize);
    known.set(content.toString('hex', at, at + digestSize), content.subarray(at + headSize, end));
    at = end;
  }
  return known;
}

/** Replaces it as a whole; the cache is no reason for a publish to fail. */
export async function writeAttributeCache(file: string, known: KnownMetadata): Promise<void> {
  const parts: Buffer[] = [];
  for (const [digest, metadata] of known) {
    const head = Buffer.alloc(headSize);
    head.write(digest, 'hex');
    head.writeUInt32BE(metadata.length, digestSize);
    parts.push(head, metadata);
  }
  const content = Buffer.concat(parts);
  const next = `${file}.${process.pid}-${Date.now()}`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(next, Buffer.concat([createHash('sha256').update(content).digest(), content]));
    await rename(next, file);
  } catch {
    await rm(next, { force: true }).catch(() => undefined);
  }
}
