import { describe, expect, it } from '@jest/globals';
import { gateSchema } from './gate-schema.js';

const least = { url: 'https://greenwave.test/', 'product-version': 'farm-{{ body.branch }}', 'decision-context': 'compose_promotion', 'subject-identifier': '{{ compose.id }}' };

describe('a gate in the settings', () => {
  it('has its defaults, and templates as they are', () => {
    expect(gateSchema.parse(least)).toEqual({ url: 'https://greenwave.test', productVersion: 'farm-{{ body.branch }}', decisionContext: 'compose_promotion', subjectType: 'compose', subjectIdentifier: '{{ compose.id }}', patience: 3600 });
    expect(gateSchema.parse({ ...least, url: 'http://greenwave.test/prefix//', 'subject-type': 'koji_build', patience: 0 })).toMatchObject({ url: 'http://greenwave.test/prefix', subjectType: 'koji_build', patience: 0 });
  });

  it.each([
    ['no URL', { url: undefined }],
    ['another scheme', { url: 'ftp://greenwave.test' }],
    ['a password in the URL', { url: 'https://ann:secret@greenwave.test' }],
    ['a query in the URL', { url: 'https://greenwave.test/?a=b' }],
    ['a template in the URL', { url: '{{ body.gate }}' }],
    ['an empty context', { 'decision-context': '' }],
    ['a long subject', { 'subject-identifier': 'x'.repeat(1001) }],
    ['no time', { patience: -1 }],
    ['more than a week', { patience: 604_801 }],
    ['a key that there is not', { productVersion: 'x' }],
  ])('with %s is refused', (_name, change) => {
    expect(gateSchema.safeParse({ ...least, ...change }).success).toBe(false);
  });
});
