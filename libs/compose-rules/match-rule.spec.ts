import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { busMessage, composeRule } from '../testing/compose-rule.js';
import { gateAfter, matchRule, ruleApplies } from './match-rule.js';

const gate = { url: 'https://gate.test', productVersion: 'p-{{ message.body.tag }}', decisionContext: 'c', subjectType: 't', subjectIdentifier: '{{ message.topic }}', patience: 60 };
const tag = busMessage({ tag: 'f41', release: 41, rpms: [{ arch: 'x86_64' }] });

describe('a rule', () => {
  it('makes a key, a name, a request and a gate of a message', () => {
    const rule = composeRule({ latest: '{{ message.body.tag }}-latest', gateBefore: gate, request: { source: { type: 'tag', source: '{{ message.body.tag }}' }, arches: '{{ message.body.rpms | map: "arch" | json }}' } });
    expect(matchRule(rule, tag)).toEqual({
      key: 'f41',
      latest: 'f41-latest',
      request: { source: { type: 'tag', source: 'f41' }, arches: ['x86_64'] },
      gateBefore: { ...gate, productVersion: 'p-f41', subjectIdentifier: 'org.example.koji.tag' },
    });
  });

  it('asks the gate after it about the compose', () => {
    const rule = composeRule({ gateAfter: { ...gate, subjectIdentifier: '{{ compose.pungiComposeId }} {{ compose.id }}' } });
    expect(gateAfter(rule, tag, { id: 7, pungiComposeId: 'odcs-7-1' })?.subjectIdentifier).toBe('odcs-7-1 7');
    expect(gateAfter(composeRule(), tag, { id: 7, pungiComposeId: null })).toBeNull();
  });

  it.each<[string, Parameters<typeof composeRule>[0], boolean]>([
    ['of its bus and topic', {}, true],
    ['of another bus', { buses: ['other'] }, false],
    ['of another topic', { topics: ['org.example.koji.untag', 'org.*.koji'] }, false],
    ['of one of its topics', { topics: ['x', 'org.example.#'] }, true],
    ['with one of the values', { when: [{ path: '$.release', equals: [40, 41] }] }, true],
    ['with a text for a number', { when: [{ path: '$.release', equals: ['41'] }] }, false],
    ['with a value among many', { when: [{ path: '$..arch', equals: ['x86_64'] }] }, true],
    ['with a text of the pattern', { when: [{ path: '$.tag', matches: 'f4[0-9]' }] }, true],
    ['with a text that only begins like it', { when: [{ path: '$.tag', matches: 'f' }] }, false],
    ['with what should be there', { when: [{ path: '$.tag', exists: true }] }, true],
    ['with what should not', { when: [{ path: '$.tag', exists: false }] }, false],
    ['that fits one condition of two', { when: [{ path: '$.tag', exists: true }, { path: '$.none', exists: true }] }, false],
  ])('and a message %s', (_name, change, expected) => {
    expect(ruleApplies(composeRule(change), tag)).toBe(expected);
  });

  it.each<[string, Parameters<typeof composeRule>[0], unknown, string]>([
    ['misses what the key needs', {}, { release: 41 }, 'undefined variable'],
    ['makes no name', { latest: 'Rawhide {{ message.body.tag }}' }, { tag: 'f41' }, 'latest becomes "Rawhide f41", which is no name'],
    ['makes a long key', {}, { tag: 'x'.repeat(201) }, 'longer than 200'],
    ['makes a key that nobody sees', {}, { tag: 'a\u0000b' }, 'cannot be seen'],
    ['is very deep', {}, JSON.parse('{"a":'.repeat(100) + '1' + '}'.repeat(100)), 'more than 64 deep'],
    ['is very large', {}, { tag: 'f41', list: Array.from({ length: 50_001 }, () => 1) }, 'more than 50000 values'],
    ['takes long', { when: [{ path: '$.list[*]', matches: '(a|b|ab)*c' }] }, { tag: 'f41', list: Array.from({ length: 2000 }, () => 'ab'.repeat(1000)) }, 'take too long'],
  ])('refuses a message that %s', (_name, change, body, message) => {
    expect(() => matchRule(composeRule(change), busMessage(body))).toThrow(expect.objectContaining({ code: 'invalid-request', message: expect.stringContaining(message) }));
  });

  it('whatever the message is, matches, does not, or refuses in words', () => {
    const rule = composeRule({ topics: ['#'], when: [{ path: '$..a[?match(@.b, "x+")]', exists: false }], request: { a: '{{ message.body | json }}' } });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.string(), (body, topic) => {
        try {
          const match = matchRule(rule, busMessage(body, { topic }));
          expect(match === undefined || match.key.length <= 200).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-request' });
        }
      }),
    );
  });
});
