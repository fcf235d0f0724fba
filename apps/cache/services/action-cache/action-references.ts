import type { CacheDigest, DigestFunction } from '../../../../libs/cache/cache-digest.js';
import { digestText, isEmptyBlob } from '../../../../libs/cache/cache-digest.js';
import type { BlobReference, BlobShape } from '../../../../libs/cache/cache-entry.js';
import type { ActionResult, Digest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { demandDigest } from '../wire-digest.js';

/**
 * All blobs without which a result is of no use, each once. Errors: `invalid-request` for digests that are none: who calls the API has to send a result, where
 * `readActionResult` only guesses whether the bytes of an HTTP client are one.
 */
export function actionReferences(result: ActionResult, digests: DigestFunction): readonly BlobReference[] {
  const found = new Map<string, BlobReference>();
  const add = (digest: Digest | undefined, { shape, what }: { readonly shape: BlobShape; readonly what: string }): void => {
    const demanded = demandDigest(digest, { digests, what });
    if (!isEmptyBlob(demanded)) found.set(keyOf(shape, demanded), { digest: demanded, shape });
  };
  const addGiven = (digest: Digest | undefined, as: { readonly shape: BlobShape; readonly what: string }): void => {
    if (digest !== undefined && (digest.hash !== '' || digest.sizeBytes !== 0)) add(digest, as);
  };
  for (const { path, digest } of result.outputFiles) add(digest, { shape: 'plain', what: `the digest of the output file "${path.slice(0, 500)}"` });
  for (const { path, treeDigest, rootDirectoryDigest } of result.outputDirectories) {
    const what = `the digest of the output directory "${path.slice(0, 500)}"`;
    addGiven(rootDirectoryDigest, { shape: 'directory', what });
    // One of the two there has to be.
    if (rootDirectoryDigest === undefined) add(treeDigest, { shape: 'tree', what });
    else addGiven(treeDigest, { shape: 'tree', what });
  }
  addGiven(result.stdoutDigest, { shape: 'plain', what: 'the digest of standard output' });
  addGiven(result.stderrDigest, { shape: 'plain', what: 'the digest of standard error' });
  return [...found.values()];
}

function keyOf(shape: BlobShape, digest: CacheDigest): string {
  return `${shape} ${digestText(digest)}`;
}
