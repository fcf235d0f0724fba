import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compilePattern } from './linear-pattern.js';

const plenty = () => ({ left: 100_000_000 });
const matches = (pattern: string, text: string): boolean => compilePattern(pattern).test(text, 'match', plenty());
const searches = (pattern: string, text: string): boolean => compilePattern(pattern).test(text, 'search', plenty());

describe('a regular expression of a rule', () => {
  it('is for the whole text when it matches, and for a part when it searches', () => {
    expect([matches('f4[0-9]', 'f41'), matches('f4[0-9]', 'f41-build'), searches('f4[0-9]', 'my-f41-build'), searches('x', '')]).toEqual([true, false, true, false]);
  });

  it.each([
    ['(a+)+b', 'a'.repeat(20_000)],
    ['(a|a)*b', 'a'.repeat(20_000)],
    ['(.*)*(.*)*x', 'y'.repeat(5000)],
  ])('that hangs others, %s, takes no more than its length times that of the text', (pattern, text) => {
    expect(matches(pattern, text)).toBe(false);
  });

  it('takes its size times the length of the text of the budget, and ends when that is used up', () => {
    const budget = { left: 2_000_000 };
    const pattern = compilePattern('a{0,400}a{0,400}b');
    expect(pattern.test('a'.repeat(500), 'match', budget)).toBe(false);
    expect(() => pattern.test('a'.repeat(1000), 'match', budget)).toThrow('take too long with this message');
  });

  it.each([
    ['(', 'missing closing'],
    ['*a', 'missing argument'],
    ['[z-a]', 'invalid character class range'],
    ['(?=a)b', 'invalid or unsupported Perl syntax'],
    ['(a)\\1', 'invalid escape sequence'],
    ['a{5000}', 'invalid repeat count'],
    ['(((){1000}){1000}){1000}', 'too large'],
    ['a'.repeat(1001), 'longer than'],
    ['(a{0,900}){1}(b{0,900}){1}(c{0,900}){1}', 'more than 2000 steps'],
  ])('%s is refused', (pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(message);
  });

  it('whatever it is, is taken or refused in words', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?.\\^-,1pL'), maxLength: 20 }), (pattern) => {
        try {
          compilePattern(pattern).test('ab', 'search', plenty());
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-request' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
