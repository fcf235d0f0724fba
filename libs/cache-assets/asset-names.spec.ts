import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assetLimits, assetNames, type AssetRequest } from './asset-names.js';

const request: AssetRequest = { instance: 'main', kind: 'blob', uris: ['urn:x:strong', 'urn:x:weak'], qualifiers: [] };

describe('assetNames', () => {
  it('makes a name of each URI, in their order, each once', () => {
    expect(assetNames({ ...request, uris: ['urn:b', 'urn:a', 'urn:b'] }).map(({ key }) => key)).toEqual(['urn:b', 'urn:a']);
  });

  it('gives the same name whatever order the qualifiers come in', () => {
    const pair = fc.record({ name: fc.stringMatching(/^[a-z._]{1,10}$/), value: fc.stringMatching(/^[ -~]{0,20}$/) });
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: ({ name }) => name, maxLength: 8 }), (qualifiers) => {
        const [one] = assetNames({ ...request, qualifiers });
        const [other] = assetNames({ ...request, qualifiers: [...qualifiers].reverse() });
        expect(JSON.stringify(one)).toBe(JSON.stringify(other));
        expect(Object.keys(one!.qualifiers)).toHaveLength(qualifiers.length);
      }),
    );
  });

  it('keeps a qualifier with the name of a member of objects', () => {
    expect(Object.entries(assetNames({ ...request, qualifiers: [{ name: '__proto__', value: 'x' }] })[0]!.qualifiers)).toEqual([['__proto__', 'x']]);
  });

  it.each<[string, Partial<AssetRequest>]>([
    ['no URI, as clients ask to learn whether assets are served', { uris: [] }],
    ['too many URIs', { uris: Array.from({ length: assetLimits.uris + 1 }, (_, index) => `urn:${index}`) }],
    ['an empty URI', { uris: [''] }],
    ['a long URI', { uris: ['u'.repeat(assetLimits.uriLength + 1)] }],
    ['a URI with a line break', { uris: ['urn:x\n'] }],
    ['too many qualifiers', { qualifiers: Array.from({ length: assetLimits.qualifiers + 1 }, (_, index) => ({ name: `n${index}`, value: '' })) }],
    ['a qualifier twice', { qualifiers: [{ name: 'a', value: '1' }, { name: 'b', value: '1' }, { name: 'a', value: '2' }] }],
    ['a qualifier without a name', { qualifiers: [{ name: '', value: '1' }] }],
    ['a qualifier with a long name', { qualifiers: [{ name: 'n'.repeat(assetLimits.nameLength + 1), value: '' }] }],
    ['a qualifier with a long value', { qualifiers: [{ name: 'n', value: 'v'.repeat(assetLimits.valueLength + 1) }] }],
    ['a qualifier with a zero', { qualifiers: [{ name: 'n', value: '\0' }] }],
  ])('refuses %s', (_, change) => {
    expect(() => assetNames({ ...request, ...change })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
