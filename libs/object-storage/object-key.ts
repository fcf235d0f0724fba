import { MillraceError } from '../errors/millrace-error.js';

/** Folder of a directory store for files that are still being written; no key of any store may have such a part. */
export const writingFolder = '.millrace-writing';

/** Bytes in UTF-8: of S3's contract, and of one name in a directory. */
const longestKey = 1024;
const longestPart = 255;

/** Keys mean the same in every store, so all of them refuse what one of them could not keep. Errors: `invalid-request`. */
export function assertObjectKey(key: string): void {
  assertText(key);
  const parts = key.split('/');
  if (parts.includes('')) throw refused(key, 'is empty, or begins, ends or goes on with an empty part');
  assertParts(key, parts);
}

export function isObjectKey(key: string): boolean {
  try {
    assertObjectKey(key);
    return true;
  } catch {
    return false;
  }
}

/** Of a listing: ends anywhere, empty means everything. Errors: `invalid-request`. */
export function assertObjectPrefix(prefix: string): void {
  assertText(prefix);
  const parts = prefix.split('/');
  const whole = parts.slice(0, -1);
  if (whole.includes('')) throw refused(prefix, 'begins or goes on with an empty part');
  assertParts(prefix, whole);
}

function assertText(key: string): void {
  if (!key.isWellFormed()) throw refused(key, 'is not well-formed Unicode');
  // XML, in which S3 lists keys, has no way to say most of them.
  if (/\p{Cc}|\uFFFE|\uFFFF/u.test(key)) throw refused(key, 'has a control character');
  if (Buffer.byteLength(key) > longestKey) throw refused(key, `is longer than ${longestKey} bytes`);
}

function assertParts(key: string, parts: readonly string[]): void {
  if (parts.some((part) => part === '.' || part === '..')) throw refused(key, 'has a part . or ..');
  if (parts.includes(writingFolder)) throw refused(key, `has a part ${writingFolder}, which holds unfinished files`);
  if (parts.some((part) => Buffer.byteLength(part) > longestPart)) throw refused(key, `has a part longer than ${longestPart} bytes`);
}

function refused(key: string, why: string): MillraceError {
  return new MillraceError('invalid-request', `no object may have the key ${JSON.stringify(key.slice(0, 200))}: it ${why}`);
}
