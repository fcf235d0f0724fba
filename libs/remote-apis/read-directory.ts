import type { CacheDigest, DigestFunction } from '../cache/cache-digest.js';
import { digestText, isEmptyBlob } from '../cache/cache-digest.js';
import type { BlobReference, BlobShape } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { WireField } from './wire-fields.js';
import { wireFields } from './wire-fields.js';

/** Bytes of a directory or tree that is looked into. */
export const directoryBytes = 64 * 1024 * 1024;
/** Files and directories that one of them may name. */
export const directoryNodes = 1_000_000;

/** Numbers of the fields of `Directory`, `FileNode`, `DirectoryNode` and `Digest`. */
const directoryField = { files: 1, directories: 2, symlinks: 3 } as const;
const nodeDigest = 2;
const digestField = { hash: 1, size: 2 } as const;

/**
 * The blobs that a `Directory` of the Remote Execution API names, each once, the empty one left out: files as `plain`, directories as `directory`. Errors:
 * `source-invalid` for bytes that are no directory, `payload-too-large`.
 */
export function readDirectory(content: Buffer, digests: DigestFunction): readonly BlobReference[] {
  demandSize(content);
  const found = new FoundReferences(digests);
  found.addDirectory(content, 0, content.length, 'with directories');
  return found.list();
}

export function demandSize(content: Buffer): void {
  if (content.length > directoryBytes) throw new MillraceError('payload-too-large', `a directory of ${content.length} bytes: at most ${directoryBytes} are looked into`);
}

/** Collects references while directories are walked, and counts what they name. */
export class FoundReferences {
  readonly #function: DigestFunction;
  readonly #found = new Map<string, BlobReference>();
  #nodes = 0;

  constructor(digests: DigestFunction) {
    this.#function = digests;
  }

  list(): readonly BlobReference[] {
    return [...this.#found.values()];
  }

  addDirectory(bytes: Buffer, start: number, end: number, children: 'with directories' | 'files only'): void {
    for (const field of wireFields(bytes, start, end)) {
      if (field.number === directoryField.files) this.#add(bytes, field, 'plain');
      else if (field.number === directoryField.directories) this.#add(bytes, field, children === 'with directories' ? 'directory' : undefined);
      else if (field.number === directoryField.symlinks) this.#count();
    }
  }

  /** A shape of undefined: looked at, and not kept. */
  #add(bytes: Buffer, node: WireField, shape: BlobShape | undefined): void {
    this.#count();
    const digest = this.#digestOf(bytes, node);
    if (shape === undefined || isEmptyBlob(digest)) return;
    const key = `${shape} ${digestText(digest)}`;
    if (!this.#found.has(key)) this.#found.set(key, { digest, shape });
  }

  #count(): void {
    this.#nodes += 1;
    if (this.#nodes > directoryNodes) throw new MillraceError('payload-too-large', `a directory that names more than ${directoryNodes} files and directories`);
  }

  #digestOf(bytes: Buffer, node: WireField): CacheDigest {
    const digest = { hash: '', size: 0 };
    for (const field of wireFields(bytes, node.start, node.end)) {
      if (field.number === nodeDigest) readDigest(bytes, field, digest);
    }
    if (!/^[0-9a-f]{64}$/.test(digest.hash)) throw new MillraceError('source-invalid', 'no directory: it names something without a digest of 64 lower-case hex digits');
    return { function: this.#function, hash: digest.hash, size: digest.size };
  }
}

function readDigest(bytes: Buffer, message: WireField, into: { hash: string; size: number }): void {
  for (const field of wireFields(bytes, message.start, message.end)) {
    if (field.number === digestField.hash) into.hash = field.end - field.start === 64 ? bytes.toString('latin1', field.start, field.end) : '';
    else if (field.number === digestField.size) into.size = field.value ?? invalidSize();
  }
}

function invalidSize(): never {
  throw new MillraceError('source-invalid', 'no directory: it names something whose size is negative or beyond all measure');
}
