import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { parseRichDependency, richDependencyLimits, type RichDependency } from './rich-dependency.js';

const one = (name: string, comparison?: 'LT' | 'GE', version?: string): RichDependency => ({
  kind: 'one',
  dependency: { name, ...(comparison === undefined ? {} : { comparison, version: { epoch: 0, version: version as string } }) },
});

describe('rich dependencies', () => {
  it('are read as rpm writes them', () => {
    expect(parseRichDependency('(a and b and c)')).toEqual({ kind: 'and', operands: [one('a'), one('b'), one('c')] });
    expect(parseRichDependency('(npm(x) >= 1 with npm(x) < 2)')).toEqual({ kind: 'with', operands: [one('npm(x)', 'GE', '1'), one('npm(x)', 'LT', '2')] });
    expect(parseRichDependency('(libc.so.6(GLIBC_2.34)(64bit) if (glibc or musl) else libc)')).toEqual({
      kind: 'if',
      wanted: one('libc.so.6(GLIBC_2.34)(64bit)'),
      condition: { kind: 'or', operands: [one('glibc'), one('musl')] },
      otherwise: one('libc'),
    });
    expect(parseRichDependency('( a>=1\tunless /usr/bin/b )')).toEqual({ kind: 'unless', wanted: one('a>=1'), condition: one('/usr/bin/b') });
  });

  it.each([
    ['', 'does not begin with a parenthesis'],
    ['()', 'a name is missing'],
    ['(a', 'last parenthesis is missing'],
    ['(a and)', 'a name is missing'],
    ['(a) b', 'something after its last parenthesis'],
    ['(a xor b)', '"xor" is no operator'],
    ['(a and b or c)', 'different operators need parentheses'],
    ['(a without b without c)', 'several "without"'],
    ['(a else b)', '"else" without "if"'],
    ['(a if b if c)', 'one "else" only'],
    ['(a >= )', 'version of "a" is missing'],
    ['(a <> 1)', 'compares nothing'],
  ])('that are not valid are refused with a reason: %s', (text, reason) => {
    expect(() => parseRichDependency(text)).toThrow(reason);
  });

  it('that are too long or too deep are refused before they are read', () => {
    const depth = 5000;
    expect(() => parseRichDependency(`${'('.repeat(depth)}a${')'.repeat(depth)}`)).toThrow(`more than ${richDependencyLimits.depth} parentheses deep`);
    expect(() => parseRichDependency(`(${'a or '.repeat(100_000)}a)`)).toThrow('500003 characters');
  });

  it('never fail in another way than with an error of ours, whatever the text', () => {
    const words = fc.constantFrom('(', ')', ' ', 'and', 'or', 'if', 'else', 'unless', 'with', 'without', '>=', '<', '1:2-3', 'a', 'b(x)', ',');
    fc.assert(
      fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
        try {
          parseRichDependency(`(${parts.join(' ')})`);
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
    );
  });
});
