import type { DigestFunction } from '../cache/cache-digest.js';
import type { BlobReference } from '../cache/cache-entry.js';
import { demandSize, FoundReferences } from './read-directory.js';
import { wireFields } from './wire-fields.js';

/** Numbers of the fields of `Tree`: a directory, and all that are below it. */
const treeField = { root: 1, children: 2 } as const;

/**
 * The files that a `Tree` of the Remote Execution API names, each once, the empty one left out. Its directories lie inside it and need not be blobs of their own.
 * Errors: as `readDirectory`.
 */
export function readTree(content: Buffer, digests: DigestFunction): readonly BlobReference[] {
  demandSize(content);
  const found = new FoundReferences(digests);
  for (const field of wireFields(content)) {
    if (field.number === treeField.root || field.number === treeField.children) found.addDirectory(content, field.start, field.end, 'files only');
  }
  return found.list();
}
