import { MillraceError } from '../errors/millrace-error.js';
import { digestFunctions, type CacheDigest } from './cache-digest.js';
import { entryKinds, type BlobReference, type EntryDraft, type EntryName } from './cache-entry.js';

/** Bounds of what one entry may have; bytes are of UTF-8. */
export const entryLimits = { keyCharacters: 2048, qualifiers: 64, nameBytes: 16_384, propertiesBytes: 16_384, valueBytes: 4 * 1024 * 1024, references: 100_000, originCharacters: 500, pusherBytes: 2000 } as const;

const hashPattern = /^[0-9a-f]{64}$/;
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/;
const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/** Errors: `invalid-request`. */
export function checkDigest({ function: named, hash, size }: CacheDigest): void {
  if (!digestFunctions.includes(named)) throw invalid(`the digest function ${shown(named)} is not known here`);
  if (!hashPattern.test(hash)) throw invalid(`a hash of ${named} has 64 lower-case hex digits, and not ${shown(hash)}`);
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`${size} is no size of a blob (${hash})`);
}

/** What every store of the cache can keep and compare: no control characters, no lone surrogates, no more than a name needs. Errors: `invalid-request`. */
export function checkEntryName({ kind, key, qualifiers }: EntryName): void {
  if (!entryKinds.includes(kind)) throw invalid(`no entry of the cache is of the kind ${shown(kind)}`);
  if (key === '' || key.length > entryLimits.keyCharacters) throw invalid(`a key has 1 to ${entryLimits.keyCharacters} characters, and not ${key.length}`);
  checkText(key, 'the key');
  const pairs = Object.entries(qualifiers);
  if (pairs.length > entryLimits.qualifiers) throw invalid(`an entry has at most ${entryLimits.qualifiers} qualifiers, and not ${pairs.length}`);
  checkPairs(pairs, 'the qualifier', entryLimits.nameBytes);
}

/** The name, and all that is pushed under it. Errors: `invalid-request`; `payload-too-large` for a value beyond 4 MiB. */
export function checkEntryDraft(draft: EntryDraft): void {
  checkEntryName(draft);
  const { target, references, value, properties, expiresAt, origin } = draft;
  if (value !== undefined && value.length > entryLimits.valueBytes) throw new MillraceError('payload-too-large', `the value of an entry has at most ${entryLimits.valueBytes} bytes, and not ${value.length}`);
  if (references.length > entryLimits.references) throw invalid(`an entry names at most ${entryLimits.references} blobs, and not ${references.length}`);
  for (const reference of target === undefined ? references : [target, ...references]) checkReference(reference);
  checkPairs(Object.entries(properties), 'the property', entryLimits.propertiesBytes);
  if (expiresAt !== undefined && (!instantPattern.test(expiresAt) || Number.isNaN(Date.parse(expiresAt)))) throw invalid(`${shown(expiresAt)} is no time that an entry could expire at`);
  for (const [name, text] of Object.entries(origin)) checkOrigin(name, text as string | undefined);
}

/** Who pushes or removes, or another name that is kept beside entries: `what` is for the message. Errors: `invalid-request`. */
export function checkPusher(by: string, what = 'the name of whoever asks'): void {
  checkText(by, what);
  if (Buffer.byteLength(by) > entryLimits.pusherBytes) throw invalid(`${what} is longer than ${entryLimits.pusherBytes} bytes`);
}

function checkReference({ digest, shape }: BlobReference): void {
  checkDigest(digest);
  if (!['plain', 'directory', 'tree'].includes(shape)) throw invalid(`a blob cannot be looked into as ${shown(shape)}`);
}

function checkOrigin(name: string, text: string | undefined): void {
  if (text === undefined) return;
  if (text.length > entryLimits.originCharacters) throw invalid(`the ${name} that an entry comes from is longer than ${entryLimits.originCharacters} characters`);
  checkText(text, `the ${name} that an entry comes from`);
}

function checkPairs(pairs: readonly (readonly [string, string])[], what: string, limit: number): void {
  let bytes = 0;
  for (const [name, text] of pairs) {
    if (name === '') throw invalid(`${what} has no name`);
    checkText(name, `the name of ${what} ${shown(name)}`);
    checkText(text, `${what} ${shown(name)}`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  if (bytes > limit) throw invalid(`${what} ${shown(pairs[0]?.[0] ?? '')} and those beside it have ${bytes} bytes, and may have ${limit}`);
}

function checkText(text: string, what: string): void {
  if (controlCharacters.test(text)) throw invalid(`${what} has control characters in it: ${shown(text)}`);
  if (!text.isWellFormed()) throw invalid(`${what} has lone surrogates in it: ${shown(text)}`);
}

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
const invalid = (message: string): MillraceError => new MillraceError('invalid-request', message);
