import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import type { EntryDraft } from './cache-entry.js';
import { checkDigest, checkEntryDraft, checkEntryName, checkPusher, entryLimits } from './check-entry.js';

const digest = { function: 'sha256' as const, hash: 'a'.repeat(64), size: 3 };
const name = { instance: 'main', kind: 'blob' as const, key: 'urn:example:1', qualifiers: {} };
const draft: EntryDraft = { ...name, target: { digest, shape: 'directory' }, value: undefined, references: [], properties: {}, expiresAt: undefined, origin: {} };
const refused = { code: 'invalid-request' };
const refusal = (check: () => void): unknown => {
  try {
    check();
  } catch (error) {
    return isMillraceError(error) ? { code: error.code, message: error.message } : error;
  }
  return undefined;
};

describe('what may be an entry of the cache', () => {
  it.each([
    ['an upper-case hash', { ...digest, hash: 'A'.repeat(64) }],
    ['a short hash', { ...digest, hash: 'a'.repeat(63) }],
    ['a hash with a line break after it', { ...digest, hash: `${'a'.repeat(64)}\n` }],
    ['a negative size', { ...digest, size: -1 }],
    ['half a byte', { ...digest, size: 0.5 }],
    ['a size beyond what numbers are exact for', { ...digest, size: 2 ** 53 }],
    ['a function of another time', { ...digest, function: 'md5' as 'sha256' }],
  ])('has no digest with %s', (_, wrong) => {
    expect(refusal(() => checkDigest(wrong))).toMatchObject(refused);
    expect(refusal(() => checkEntryDraft({ ...draft, references: [{ digest: wrong, shape: 'plain' }] }))).toMatchObject(refused);
  });

  it.each([
    ['nothing', ''],
    ['NUL', 'a\0b'],
    ['a line break', 'a\nb'],
    ['a control character of Latin-1', 'a\u0085b'],
    ['a lone surrogate', 'a\ud800b'],
    ['2,049 characters', 'k'.repeat(2049)],
  ])('has no key with %s', (_, key) => {
    expect(refusal(() => checkEntryName({ ...name, key }))).toMatchObject(refused);
  });

  it.each([
    ['without a name', { '': 'x' }],
    ['with NUL', { a: '\0' }],
    ['whose name has a line break', { 'a\n': 'x' }],
    ['with half a character', { a: '\udfff' }],
    ['longer than 16 KiB', { a: 'x'.repeat(entryLimits.nameBytes) }],
    ['by the hundred', Object.fromEntries(Array.from({ length: 65 }, (__, index) => [`q${index}`, 'x']))],
  ])('has no qualifiers %s', (_, qualifiers) => {
    expect(refusal(() => checkEntryName({ ...name, qualifiers }))).toMatchObject(refused);
  });

  it.each([
    ['a kind of its own', { kind: 'poison' as 'blob' }],
    ['a shape of its own', { target: { digest, shape: 'loop' as 'plain' } }],
    ['properties longer than 16 KiB', { properties: { tag: 'x'.repeat(20_000) } }],
    ['a time that is none', { expiresAt: 'tomorrow' }],
    ['a time of another zone', { expiresAt: '2026-01-01T00:00:00+02:00' }],
    ['an origin of 501 characters', { origin: { build: 'x'.repeat(501) } }],
    ['an origin with NUL', { origin: { session: 'a\0' } }],
    ['100,001 references', { references: Array.from({ length: 100_001 }, () => ({ digest, shape: 'plain' as const })) }],
  ])('has not %s', (_, given) => {
    expect(refusal(() => checkEntryDraft({ ...draft, ...given }))).toMatchObject(refused);
  });

  it('has a value of 4 MiB, and not of more', () => {
    expect(refusal(() => checkEntryDraft({ ...draft, value: Buffer.alloc(entryLimits.valueBytes) }))).toBeUndefined();
    expect(refusal(() => checkEntryDraft({ ...draft, value: Buffer.alloc(entryLimits.valueBytes + 1) }))).toMatchObject({ code: 'payload-too-large' });
  });

  it('is pushed by somebody with a name', () => {
    expect(refusal(() => checkPusher('ci@example.test'))).toBeUndefined();
    expect(refusal(() => checkPusher('a\nb'))).toMatchObject(refused);
    expect(refusal(() => checkPusher('x'.repeat(2001)))).toMatchObject(refused);
  });

  it('is refused with a short message that has no control characters, whatever is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (key, qualifiers) => {
        const problem = refusal(() => checkEntryName({ ...name, key, qualifiers }));
        if (problem === undefined) return /^[^\u0000-\u001f\u007f-\u009f]{1,2048}$/su.test(key);
        const { message } = problem as { message: string };
        return message.length < 1200 && !/[\u0000-\u001f]/.test(message);
      }),
    );
  });
});
