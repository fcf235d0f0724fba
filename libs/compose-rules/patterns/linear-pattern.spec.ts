import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compilePattern } from './linear-pattern.js';

const plenty = () => ({ left: 10_000_000 });
const matches = (pattern: string, text: string): boolean => compilePattern(pattern).test(text, 'match', plenty());
const searches = (pattern: string, text: string): boolean => compilePattern(pattern).test(text, 'search', plenty());

/** Patterns of a small alphabet, so that texts of it match often. */
const patterns = fc.letrec<{ pattern: string; piece: string; atom: string }>((tie) => ({
  pattern: fc.oneof({ maxDepth: 3, withCrossShrink: true }, fc.array(tie('piece'), { maxLength: 3 }).map((parts) => parts.join('')), fc.tuple(tie('piece'), tie('pattern')).map(([one, other]) => `${one}|${other}`)),
  piece: fc.tuple(tie('atom'), fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,}', '{0,2}')).map((parts) => parts.join('')),
  atom: fc.oneof({ maxDepth: 3 }, fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '[b-c]', '\\.', '\\p{Lu}', '[\\p{Ll}-]'), tie('pattern').map((inner) => `(${inner})`)),
})).pattern;
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', '.', '-', '\n', '😀'), maxLength: 12 });

describe('a regular expression of a rule', () => {
  it('says what the engine of JavaScript says', () => {
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        const same = pattern.replaceAll(/\\.|\[[^\]]*\]|\./gu, (part) => (part === '.' ? '[^\\n\\r]' : part));
        expect(matches(pattern, text)).toBe(new RegExp(`^(?:${same})$`, 'u').test(text));
        expect(searches(pattern, text)).toBe(new RegExp(same, 'u').test(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('is for the whole text when it matches, and for a part when it searches', () => {
    expect([matches('f4[0-9]', 'f41'), matches('f4[0-9]', 'f41-build'), searches('f4[0-9]', 'my-f41-build'), searches('x', '')]).toEqual([true, false, true, false]);
  });

  it.each([
    ['(a+)+b', 'a'.repeat(20_000)],
    ['(a|a)*b', 'a'.repeat(20_000)],
    ['(.*)*(.*)*x', 'y'.repeat(5000)],
    ['a{0,500}a{0,500}b', 'a'.repeat(1000)],
  ])('that hangs others, %s, takes no more than its length times that of the text', (pattern, text) => {
    const budget = { left: 3_000_000 };
    expect(compilePattern(pattern).test(text, 'match', budget)).toBe(false);
    expect(budget.left).toBeGreaterThan(0);
  });

  it('ends when its steps are used up', () => {
    expect(() => compilePattern('(a|b)*c').test('ab'.repeat(1000), 'search', { left: 1000 })).toThrow('take too long with this message');
  });

  it.each([
    ['(', 'a group has no end'],
    ['(a', 'a group has no end'],
    ['a)', '")" has no beginning'],
    ['*a', 'has nothing before it'],
    ['a{3,2}', 'from the lower to the higher'],
    ['a{x}', 'a number of repetitions'],
    ['[', 'it ends too early'],
    ['[z-a]', 'from the lower to the higher'],
    ['[a-b-c]', '"-" in brackets'],
    ['\\d+', 'write [0-9] for a digit'],
    ['\\p{Greek}', 'a category of characters'],
    ['(?:a)', 'has nothing before it'],
    [`${'('.repeat(40)}${')'.repeat(40)}`, 'in one another'],
    ['a'.repeat(1001), 'longer than'],
    ['a{5000}', 'up to 1000'],
    ['((a{100}){100}){100}', 'more than 2000 steps'],
    ['(((){1000}){1000}){1000}', 'more than 2000 steps'],
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
