import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { meetsRelation, parseRelationList, parseRelations } from './relations.js';

describe('parseRelations', () => {
  it('reads alternatives, versions, qualifiers and folded lines', () => {
    expect(parseRelations('libc6 (>= 2.36), default-mta | mail-transport-agent,\n python3:any (<< 3.13~),\n  perl (=5.36-7)', 'Depends')).toEqual([
      [{ name: 'libc6', operator: '>=', version: '2.36' }],
      [{ name: 'default-mta' }, { name: 'mail-transport-agent' }],
      [{ name: 'python3', qualifier: 'any', operator: '<', version: '3.13~' }],
      [{ name: 'perl', operator: '==', version: '5.36-7' }],
    ]);
  });

  it('reads the old signs as dpkg does, passes over a comma at the end, and nothing at all', () => {
    expect(parseRelations('a (< 1), b (> 2),', 'Depends')).toEqual([[{ name: 'a', operator: '<=', version: '1' }], [{ name: 'b', operator: '>=', version: '2' }]]);
    expect(parseRelations('', 'Depends')).toEqual([]);
  });

  it.each(['${misc:Depends}', 'a,,b', 'a |', '| a', 'a b', 'a (1)', 'a (>= )', 'a (>= 1', 'a (!= 1)', 'a [amd64]', 'a <!nocheck>', 'é', 'a\0', '(>= 1)'])('throws a reason for %j', (text) => {
    expect(() => parseRelations(text, 'Depends')).toThrow(/^the field Depends has .* which is no package relation$/);
  });

  it('reads no alternatives where there may be none', () => {
    expect(() => parseRelationList('a | b', 'Provides')).toThrow('the field Provides may have no alternatives');
    expect(parseRelationList('a (= 1), b', 'Provides')).toEqual([{ name: 'a', operator: '==', version: '1' }, { name: 'b' }]);
  });

  it('reads or refuses any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', ',', '|', '(', ')', '>=', '<<', '1', ':', '\n', '~'), maxLength: 40 }), (text) => {
        try {
          for (const group of parseRelations(text, 'Depends')) expect(group.length).toBeGreaterThan(0);
        } catch (error) {
          if (!isMillraceError(error)) throw error;
        }
      }),
    );
  });

  it('takes no more time than the text is long, whatever runs of blanks it has', () => {
    const started = process.cpuUsage();
    expect(() => parseRelations(`a${' '.repeat(500_000)}b`, 'Depends')).toThrow('no package relation');
    expect(process.cpuUsage(started).user).toBeLessThan(5_000_000);
  });
});

describe('meetsRelation', () => {
  it.each([
    ['any version', { name: 'a' }, { name: 'a' }, true],
    ['another name', { name: 'a' }, { name: 'b', version: '1' }, false],
    ['a version where none is told', { name: 'a', operator: '>=', version: '1' }, { name: 'a' }, false],
    ['the same version', { name: 'a', operator: '==', version: '1.0' }, { name: 'a', version: '1.0-0' }, true],
    ['an older one', { name: 'a', operator: '<', version: '1' }, { name: 'a', version: '1~rc1' }, true],
    ['not an older one', { name: 'a', operator: '<', version: '1' }, { name: 'a', version: '1' }, false],
    ['one as old', { name: 'a', operator: '<=', version: '1' }, { name: 'a', version: '1' }, true],
    ['one as new', { name: 'a', operator: '>=', version: '1' }, { name: 'a', version: '1' }, true],
    ['a newer one by its epoch', { name: 'a', operator: '>', version: '9' }, { name: 'a', version: '1:0' }, true],
    ['not a newer one', { name: 'a', operator: '>', version: '9' }, { name: 'a', version: '9' }, false],
  ] as const)('answers for %s', (_case, required, provided, met) => expect(meetsRelation(required, provided)).toBe(met));
});
