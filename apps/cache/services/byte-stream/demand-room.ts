import type { OpenUpload } from '../../../../libs/cache-engine/artifact-cache.js';
import type { CacheDigest } from '../../../../libs/cache/cache-digest.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';

/** Errors: `digest-mismatch`: with these bytes it would be longer than its digest says. */
export function demandRoom({ committed }: OpenUpload, { digest, bytes }: { readonly digest: CacheDigest; readonly bytes: number }): void {
  if (committed + bytes > digest.size) throw new MillraceError('digest-mismatch', `${digestText(digest)}: more bytes were sent than the digest says`);
}
