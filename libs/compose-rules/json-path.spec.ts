import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileJsonPath, findValues } from './json-path.js';

const find = (path: string, document: unknown): readonly unknown[] => findValues(path, document, { left: 1_000_000 });
const build = { tag: { name: 'f41-build' }, rpms: [{ name: 'bash', arch: 'x86_64' }, { name: 'bash', arch: 'src' }, { name: 'zsh', arch: 'aarch64' }] };

describe('a JSONPath of a rule', () => {
  it.each<[string, readonly unknown[]]>([
    ['$.tag.name', ['f41-build']],
    ['$.tag.id', []],
    ['$.rpms[*].arch', ['x86_64', 'src', 'aarch64']],
    ['$.rpms[?@.arch == "src"].name', ['bash']],
    ['$.rpms[?match(@.arch, "x86.*|aarch64")].name', ['bash', 'zsh']],
    ['$.rpms[?search(@.name, "s") && !match(@.arch, "src")].name', ['bash', 'zsh']],
    ['$..name', ['f41-build', 'bash', 'bash', 'zsh']],
    ['$[?length(@) == 3]', [build.rpms]],
  ])('%s finds %j', (path, values) => {
    expect(find(path, build)).toEqual(values);
  });

  it.each([
    ['tag.name', 'is no JSONPath'],
    ['$.tag[', 'is no JSONPath'],
    ['$..a..b', 'has ".." more than once'],
    ['$[?@..a]', 'has ".." in a filter'],
    ['$[?@.a == $.b]', 'from the root'],
    ['$[?@[?@.a]]', 'has a filter in a filter'],
    ['$[?!(@.a && (@.b || @[?@.c]))]', 'has a filter in a filter'],
    ['$[?count(@..*) > 1]', 'has ".." in a filter'],
    ['$[*,*][*,*][*,*][*,*][*,*]', 'selects the same more than 16 times'],
    ['$[?@[*,*]]', 'several selectors'],
    ['$[?match(@.a, @.b)]', 'takes the regular expression of match() from the message'],
    ['$[?search(@.a, "(")]', 'missing closing'],
    [`$.${'a'.repeat(1000)}`, 'longer than'],
  ])('%s is refused', (path, message) => {
    expect(() => compileJsonPath(path)).toThrow(message);
  });

  it('is not held up by a text that hangs other engines', () => {
    expect(find('$[?match(@, "(a+)+b")]', ['a'.repeat(5000), 'aab'])).toEqual(['aab']);
  });

  it('goes down as deep as a message may be', () => {
    const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    expect(find('$..b', deep(64))).toEqual([]);
    expect(find('$..a', deep(64))).toHaveLength(64);
    expect(() => find('$..b', deep(1000))).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });

  it('finds no more values than anybody looks at', () => {
    expect(() => find('$[*]', Array.from({ length: 10_001 }, () => 1))).toThrow('more than 10000 values');
  });

  it('whatever it is and whatever it meets, answers or refuses in words', () => {
    const paths = fc.string({ unit: fc.constantFrom('$', '.', '..', '[', ']', '?', '@', '*', '"a"', 'a', 'b', '==', '1', '(', ')', 'match', ',', ':', '&&', '!', 'length'), maxLength: 14 }).map((tail) => `$${tail}`);
    fc.assert(
      fc.property(paths, fc.jsonValue({ maxDepth: 4 }), (path, document) => {
        try {
          expect(Array.isArray(find(path, document))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-request' });
        }
      }),
      { numRuns: 3000 },
    );
  });
});
