import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchTopic } from './match-topic.js';

describe('a topic', () => {
  it.each([
    ['org.example.koji.tag', 'org.example.koji.tag', true],
    ['org.example.*.tag', 'org.example.koji.tag', true],
    ['org.*.tag', 'org.example.koji.tag', false],
    ['org.#.tag', 'org.example.koji.tag', true],
    ['#', 'anything.at.all', true],
    ['#', '', true],
    ['org.#', 'org', true],
    ['#.org.#', 'a.org', true],
    ['org', 'org.example', false],
    ['ORG', 'org', false],
  ])('of the pattern %s: %s is %s', (pattern, topic, expected) => {
    expect(matchTopic(pattern, topic)).toBe(expected);
  });

  it('is matched as a regular expression would', () => {
    const words = fc.constantFrom('a', 'b', 'ab');
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 6 }), fc.array(words, { minLength: 1, maxLength: 7 }), (pattern, topic) => {
        const expression = pattern.map((part) => (part === '#' ? '(?:[^.]+\\.)*' : part === '*' ? '[^.]+\\.' : `${part}\\.`)).join('');
        expect(matchTopic(pattern.join('.'), topic.join('.'))).toBe(new RegExp(`^${expression}$`).test(`${topic.join('.')}.`));
      }),
      { numRuns: 2000 },
    );
  });

  it('of many words is matched against many wildcards at once', () => {
    expect(matchTopic(`${'#.'.repeat(200)}end`, 'word.'.repeat(300))).toBe(false);
  });
});
