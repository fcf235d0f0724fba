import { digestFunctions, digestText, type CacheDigest } from '../cache/cache-digest.js';
import { entryKinds, type EntryDraft, type EntryName } from '../cache/cache-entry.js';
import type { CacheInstance } from '../cache/cache-instance.js';
import { MillraceError } from '../errors/millrace-error.js';

const hashPattern = /^[0-9a-f]{64}$/;
const keyLength = 2048;
/** Of an entry. */
const valueBytes = 4 * 1024 * 1024;
const propertyBytes = 16 * 1024;
const qualifierBytes = 16 * 1024;
const mostReferences = 100_000;

/** Errors: `invalid-request`. */
export function checkDigest(digest: CacheDigest): void {
  const { function: named, hash, size } = digest;
  if (!digestFunctions.includes(named)) throw invalid(`no digest function ${shown(named)}: this cache has ${digestFunctions.join(' and ')}`);
  if (typeof hash !== 'string' || !hashPattern.test(hash)) throw invalid(`the hash of a digest is 64 lower-case hexadecimal digits, not ${shown(hash)}`);
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`the size of ${hash} must be a number of bytes, not ${String(size)}`);
}

/** Of what is pushed. Errors also: `payload-too-large`. */
export function checkPushedDigest({ name, blobBytes }: CacheInstance, digest: CacheDigest): void {
  checkDigest(digest);
  if (digest.size > blobBytes) throw new MillraceError('payload-too-large', `${digestText(digest)} is larger than the ${blobBytes} bytes that a blob of the cache ${name} may have`);
}

/** Errors: `invalid-request`. */
export function checkEntryName({ kind, key, qualifiers }: EntryName): void {
  if (!entryKinds.includes(kind)) throw invalid(`no entry has the kind ${shown(kind)}`);
  if (typeof key !== 'string' || key === '' || key.length > keyLength || !isPlainText(key)) throw invalid(`the key of an entry is 1 to ${keyLength} characters without control characters, not ${shown(key)}`);
  const texts = Object.entries(qualifiers).flat();
  // PostgreSQL has no way to keep a zero, nor half of a surrogate pair.
  if (texts.some((text) => text.includes('\0') || !text.isWellFormed())) throw invalid(`a qualifier of ${shown(key)} is no text`);
  if (bytesOf(texts) > qualifierBytes) throw invalid(`the qualifiers of ${shown(key)} have more than ${qualifierBytes} bytes`);
}

/** Errors also: `payload-too-large`. */
export function checkDraft(draft: EntryDraft): void {
  checkEntryName(draft);
  const { key, target, value, references, properties, expiresAt } = draft;
  if (target === undefined && value === undefined) throw invalid(`the entry ${shown(key)} leads to nothing`);
  if ((value?.length ?? 0) > valueBytes) throw tooLarge(key, `a value of more than ${valueBytes} bytes`);
  if (references.length > mostReferences) throw tooLarge(key, `more than ${mostReferences} references`);
  const texts = Object.entries(properties).flat();
  if (bytesOf(texts) > propertyBytes) throw tooLarge(key, `properties of more than ${propertyBytes} bytes`);
  if (texts.some((text) => text.includes('\0') || !text.isWellFormed())) throw invalid(`a property of ${shown(key)} is no text`);
  if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt))) throw invalid(`${shown(expiresAt)} is no time at which ${shown(key)} expires`);
  for (const { digest } of [...(target === undefined ? [] : [target]), ...references]) checkDigest(digest);
}

function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function tooLarge(key: string, what: string): MillraceError {
  return new MillraceError('payload-too-large', `the entry ${shown(key)} has ${what}`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('invalid-request', message);
}

function shown(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 200));
}
