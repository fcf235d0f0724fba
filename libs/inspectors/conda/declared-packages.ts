import { createHash } from 'node:crypto';
import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { normalisePath } from '../declarations/declared-url.js';
import type { DeclaredPackage } from './repodata-scan.js';

/** Values of knowledge have at most 4 MiB: so many of them hold 4 million packages. */
const shards = 64;
const keyLength = 12;
const entryLength = keyLength + 32;
/** What declares packages; an inspector of the documents below knows no others. */
const documents = ['repodata', 'current_repodata', 'repodata_from_packages'] as const;

/**
 * The digests that one document declares, on the way into knowledge: 44 bytes a package (a part of the digest of its name, and its
 * SHA-256), in values by that part. Documents of large channels have a million packages.
 */
export class DeclaredPackages {
  readonly #shards = Array.from({ length: shards }, () => new Entries());
  #count = 0;

  /** How many have a digest. */
  get count(): number {
    return this.#count;
  }

  add({ file, sha256 }: DeclaredPackage): void {
    if (sha256 === undefined) return;
    const key = keyOf(file);
    this.#shards[shardOf(key)]?.push(key, sha256);
    this.#count += 1;
  }

  /** `place`: URL of the directory that the files lie in, `/` at its end. */
  async remember(place: string, document: string, { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>): Promise<void> {
    for (const [index, entries] of this.#shards.entries()) {
      signal?.throwIfAborted();
      const name = knowledgeKey(place, document, index);
      // What the document said before is no more, also where it now has nothing to say.
      if (entries.length > 0 || (await knowledge.get(name)) !== undefined) await knowledge.put(name, entries.toString());
    }
  }
}

/** SHA-256 digests in hex that documents of this session declare for a file of a directory. */
export async function findPackage(knowledge: SessionKnowledge, place: string, file: string): Promise<readonly string[]> {
  const key = keyOf(file);
  const found = new Set<string>();
  for (const document of documents) {
    const bytes = Buffer.from((await knowledge.get(knowledgeKey(place, document, shardOf(key)))) ?? '', 'base64');
    for (let offset = 0; offset + entryLength <= bytes.length; offset += entryLength)
      if (bytes.compare(key, 0, keyLength, offset, offset + keyLength) === 0) found.add(bytes.toString('hex', offset + keyLength, offset + entryLength));
  }
  return [...found];
}

class Entries {
  #bytes = Buffer.alloc(entryLength * 4);
  length = 0;

  push(key: Buffer, sha256: Buffer): void {
    if (this.length + entryLength > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    key.copy(this.#bytes, this.length);
    sha256.copy(this.#bytes, this.length + keyLength);
    this.length += entryLength;
  }

  toString(): string {
    return this.#bytes.toString('base64', 0, this.length);
  }
}

function keyOf(file: string): Buffer {
  return createHash('sha256').update(file).digest().subarray(0, keyLength);
}

function shardOf(key: Buffer): number {
  return (key[0] as number) % shards;
}

function knowledgeKey(place: string, document: string, shard: number): string {
  return `conda/${document}/${shard}/${normalisePath(place)}`;
}
