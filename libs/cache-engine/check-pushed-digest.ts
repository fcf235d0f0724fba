import { digestText, type CacheDigest } from '../cache/cache-digest.js';
import type { CacheInstance } from '../cache/cache-instance.js';
import { checkDigest } from '../cache/check-entry.js';
import { MillraceError } from '../errors/millrace-error.js';

/** Of what is pushed. Errors: `invalid-request`, `payload-too-large`. */
export function checkPushedDigest({ name, blobBytes }: CacheInstance, digest: CacheDigest): void {
  checkDigest(digest);
  if (digest.size > blobBytes) throw new MillraceError('payload-too-large', `${digestText(digest)} is larger than the ${blobBytes} bytes that a blob of the cache ${name} may have`);
}
