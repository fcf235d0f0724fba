import type { IncomingHttpHeaders } from 'node:http';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/**
 * What a client says of the bytes that it sends, in lower-case hex: the SHA-256 of `Repr-Digest` and `Content-Digest` (RFC 9530), of which other algorithms are none of ours.
 * Errors: `invalid-request`.
 */
export function sha256OfFields(headers: IncomingHttpHeaders): string | undefined {
  const digests = ['repr-digest', 'content-digest'].flatMap((field) => (headers[field] === undefined ? [] : [sha256Of(field, String(headers[field]))])).filter((digest) => digest !== undefined);
  if (new Set(digests).size > 1) throw new MillraceError('invalid-request', 'Repr-Digest and Content-Digest name different digests');
  return digests[0];
}

/** A dictionary of structured fields (RFC 9651): names, each with bytes in base64 between colons. */
function sha256Of(field: string, text: string): string | undefined {
  const members = text.split(',').map((member) => /^\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):\s*$/.exec(member));
  if (members.includes(null)) throw malformed(field);
  const digest = members.findLast((member) => member?.[1] === 'sha-256')?.[2];
  if (digest === undefined) return undefined;
  const bytes = Buffer.from(digest, 'base64');
  if (bytes.length !== 32) throw malformed(field);
  return bytes.toString('hex');
}

function malformed(field: string): MillraceError {
  return new MillraceError('invalid-request', `${field} is not a digest field`, { suggestion: 'It looks like `sha-256=:<base64 of the 32 bytes>:` (RFC 9530).' });
}
