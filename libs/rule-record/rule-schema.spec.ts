import { describe, expect, it } from '@jest/globals';
import { composeRule } from '../testing/compose-rule.js';
import { rulesSchema } from './rule-schema.js';

const written = { name: 'tags', buses: ['koji'], request: { source: { type: 'tag', source: '{{ message.body.tag }}' } } };
const gate = { url: 'https://gate.test/', 'product-version': 'p', 'decision-context': 'c', 'subject-type': 't', 'subject-identifier': '{{ compose.id }}' };

function mistakes(change: object): string {
  const parsed = rulesSchema.safeParse([{ ...written, ...change }]);
  return parsed.success ? '' : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

describe('a rule of the settings', () => {
  it('needs little', () => {
    expect(rulesSchema.parse([written])).toEqual([composeRule({ topics: ['#'], key: '', debounce: { quiet: 10, longest: 300 }, request: written.request })]);
  });

  it('may say everything', () => {
    const full = { topics: ['a.#'], when: [{ path: '$.a', equals: 1 }, { path: '$.b', matches: 'x+' }, { path: '$.c', exists: false }], key: '{{ message.topic }}', debounce: { quiet: 0, longest: 0 }, latest: 'name', 'gate-after': gate, retry: { times: 3 } };
    expect(rulesSchema.parse([{ ...written, ...full }])[0]).toMatchObject({
      when: [{ path: '$.a', equals: [1] }, { path: '$.b', matches: 'x+' }, { path: '$.c', exists: false }],
      gateBefore: null,
      gateAfter: { url: 'https://gate.test', subjectIdentifier: '{{ compose.id }}', patience: 3600 },
      retry: { times: 3, wait: 60 },
    });
  });

  it.each<[object, string]>([
    [{ name: 'Tags' }, '0.name: must be 1 to 63'],
    [{ buses: [] }, '0.buses'],
    [{ colour: 'red' }, 'Unrecognized key'],
    [{ when: [{ path: '$.a' }] }, 'one of equals, matches and exists'],
    [{ when: [{ path: '$.a', equals: 1, exists: true }] }, 'one of equals, matches and exists'],
    [{ when: [{ path: 'a', exists: true }] }, '0.when.0.path: a is no JSONPath'],
    [{ when: [{ path: '$.a', matches: '(' }] }, '0.when.0.matches: the regular expression'],
    [{ when: [{ path: '$.a', equals: { a: 1 } }] }, '0.when.0.equals'],
    [{ key: '{{ message' }, '0.key: the template {{ message does not work'],
    [{ key: '{{ compose.id }}' }, 'uses compose; it has message'],
    [{ debounce: { quiet: 10, longest: 5 } }, 'longest is at least quiet'],
    [{ request: { source: { source: ['{{ mesage.topic }}'] } } }, '0.request: the template {{ mesage.topic }} uses mesage'],
    [{ latest: '{% if %}' }, '0.latest: the template'],
    [{ 'gate-before': gate }, 'uses compose'],
    [{ 'gate-after': { ...gate, url: 'https://me:secret@gate.test' } }, 'must not hold a user or a password'],
    [{ retry: { times: 99 } }, '0.retry.times'],
  ])('with %j is refused', (change, message) => {
    expect(mistakes(change)).toContain(message);
  });

  it('has a name of its own', () => {
    expect(rulesSchema.safeParse([written, written]).error?.issues).toMatchObject([{ path: [1, 'name'], message: 'is the name of another rule: tags' }]);
  });
});
