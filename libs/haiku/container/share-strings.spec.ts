import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Attribute } from './attribute.js';
import { readAttributes } from './read-attributes.js';
import { shareStrings } from './share-strings.js';
import { writeInlineAttributes } from './write-attributes.js';

const value = fc.oneof(fc.constantFrom('', 'a', 'often', 'ä', '漢'), fc.string({ unit: fc.constantFrom('x', 'y', 'ß') }), fc.maxSafeNat(), fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)));
const trees = (depth: number): fc.Arbitrary<Attribute[]> => fc.array(fc.record({ id: fc.nat(55), value, children: depth === 0 ? fc.constant([]) : trees(depth - 1) }), { maxLength: 4 });

describe('sharing strings', () => {
  it('changes nothing of what is said, and has each string that comes twice in the table, once', () => {
    fc.assert(
      fc.property(trees(3), (attributes) => {
        const section = shareStrings(writeInlineAttributes(attributes));
        expect(readAttributes(section.bytes, section)).toEqual(attributes);
        const strings = stringsOf(attributes).filter((text) => text !== '');
        const table = section.bytes.toString('utf8', 0, section.stringsLength - 1).split('\0').slice(0, -1);
        expect(table.toSorted()).toEqual([...new Set(strings.filter((text, index) => strings.indexOf(text) !== index))].toSorted());
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['without an end', '01'],
    ['with a string without an end', 'd00161'],
    ['with more behind them', '0000'],
    ['with a string of a table', 'd01100'],
    ['with endless numbers', 'ffffffffff'],
  ])('refuses attributes %s', (_what, hex) => {
    expect(() => shareStrings(Buffer.from(hex, 'hex'))).toThrow(/attribute/);
  });
});

function stringsOf(attributes: readonly Attribute[]): string[] {
  return attributes.flatMap(({ value: text, children }) => [...(typeof text === 'string' ? [text] : []), ...stringsOf(children)]);
}
