import type { CacheDigest } from '../cache/cache-digest.js';
import { digestText, isEmptyBlob } from '../cache/cache-digest.js';
import type { BlobReference, BlobShape } from '../cache/cache-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { WireField } from './wire-fields.js';
import { wireFields } from './wire-fields.js';

/** Numbers of the fields of `ActionResult`, `OutputFile`, `OutputDirectory`, `ExecutedActionMetadata` and `Digest`. */
const resultField = { files: 2, directories: 3, exitCode: 4, stdout: 6, stderr: 8, last: 12 } as const;
const fileDigest = 2;
const directoryField = { tree: 3, root: 5 } as const;
const digestField = { hash: 1, size: 2 } as const;
const mostReferences = 100_000;

/**
 * The blobs without which an `ActionResult` of SHA-256 is of no use, each once, the empty one left out. Undefined: the bytes are no such message, but something else that a
 * client of an HTTP cache keeps under the hash of what it did.
 */
export function readActionResult(content: Buffer): readonly BlobReference[] | undefined {
  try {
    return references(content);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'source-invalid') return undefined;
    throw error;
  }
}

function references(content: Buffer): readonly BlobReference[] {
  const found = new Map<string, BlobReference>();
  const add = (digest: CacheDigest | undefined, shape: BlobShape): void => {
    if (digest === undefined || isEmptyBlob(digest)) return;
    found.set(`${shape} ${digestText(digest)}`, { digest, shape });
    if (found.size > mostReferences) throw new MillraceError('payload-too-large', `a result that names more than ${mostReferences} blobs`);
  };
  for (const field of wireFields(content)) {
    if (field.number === 1 || field.number > resultField.last) throw other('an unknown field');
    if ((field.number === resultField.exitCode) !== field.isVarint) throw other('a field of another type');
    if (field.number === resultField.files) add(given(content, field, fileDigest) ?? noDigest(), 'plain');
    else if (field.number === resultField.directories) addDirectory(content, field, add);
    else if (field.number === resultField.stdout || field.number === resultField.stderr) add(digestOf(content, field), 'plain');
  }
  return [...found.values()];
}

function addDirectory(content: Buffer, directory: WireField, add: (digest: CacheDigest | undefined, shape: BlobShape) => void): void {
  const root = given(content, directory, directoryField.root);
  const tree = given(content, directory, directoryField.tree);
  if (root === undefined && tree === undefined) throw other('an output directory without a digest');
  add(root, 'directory');
  add(tree, 'tree');
}

function given(content: Buffer, message: WireField, number: number): CacheDigest | undefined {
  let digest: CacheDigest | undefined;
  for (const field of wireFields(content, message.start, message.end)) if (field.number === number) digest = digestOf(content, field);
  return digest;
}

/** Undefined: there is a digest, and it says nothing; some clients send such for outputs that there are not. */
function digestOf(content: Buffer, message: WireField): CacheDigest | undefined {
  let [hash, size] = ['', 0];
  for (const field of wireFields(content, message.start, message.end)) {
    if (field.number === digestField.hash) hash = content.toString('latin1', field.start, field.end);
    else if (field.number === digestField.size) size = field.value ?? noDigest();
  }
  if (hash === '' && size === 0) return undefined;
  return /^[0-9a-f]{64}$/.test(hash) ? { function: 'sha256', hash, size } : noDigest();
}

function noDigest(): never {
  throw other('an output without a digest of 64 lower-case hex digits');
}

function other(what: string): MillraceError {
  return new MillraceError('source-invalid', `no result of an action: it has ${what}`);
}
