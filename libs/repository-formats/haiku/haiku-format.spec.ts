import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { architectures } from '../../haiku/package/architectures.js';
import { haikuArchitectures, parseRepositorySettings } from '../../repository/repository-settings.js';
import { haikuSettings } from './__fixtures__/haiku-job.js';
import { haikuFormat } from './haiku-format.js';
import { parseRequirement } from './relations.js';

describe('a haiku repository', () => {
  it('keeps one version of each name, as its clients know it, unless its settings say more', () => {
    expect(parseRepositorySettings('haiku', { haiku: haikuSettings }).keepVersions).toBe(1);
    expect(parseRepositorySettings('haiku', { haiku: haikuSettings, keepVersions: 3 }).keepVersions).toBe(3);
    expect(parseRepositorySettings('haiku', { haiku: haikuSettings, keepVersions: null }).keepVersions).toBeNull();
  });

  it('is for an architecture that the format has a number for', () => {
    expect(haikuArchitectures).toEqual(architectures);
    expect(() => parseRepositorySettings('haiku', { haiku: { ...haikuSettings, architecture: 'z80' } })).toThrow(/architecture/);
  });

  it.each([
    ['1.9-1', '1.10-1', -1],
    ['1.0~beta1-9', '1.0-1', -1],
    ['1.0-2', '1.0-10', -1],
    ['r1~beta5_hrev57937_129-1', 'r1~beta5_hrev57937_129-1', 0],
  ])('puts %s against %s: %d', (one, other, order) => {
    expect([Math.sign(haikuFormat.compareVersions(one, other)), Math.sign(haikuFormat.compareVersions(other, one))]).toEqual([order, order === 0 ? 0 : -order]);
  });

  it.each([
    [{ name: 'a' }, { name: 'a' }, true],
    [{ name: 'a' }, { name: 'b' }, false],
    [{ name: 'a', operator: '>=', version: '1' }, { name: 'a' }, false],
    [{ name: 'a', operator: '>=', version: '1' }, { name: 'a', operator: '==', version: '2' }, true],
    [{ name: 'a', operator: '>=', version: '1' }, { name: 'a', version: '2', compatible: '2' }, false],
    [{ name: 'a', operator: '<', version: '2' }, { name: 'a', version: '1.9', compatible: '1' }, true],
  ] as const)('finds %j met by %j: %s', (required, provided, met) => {
    expect(haikuFormat.satisfies(required, provided)).toBe(met);
  });

  it('reads requirements as recipes and packages write them, or says that they are none', () => {
    expect(parseRequirement(' cmd:gcc>=13.2 ')).toEqual({ name: 'cmd:gcc', version: { operator: '>=', than: { major: '13', minor: '2', micro: '', preRelease: '', revision: 0 } } });
    expect(parseRequirement('haiku')).toEqual({ name: 'haiku', version: null });
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '1', ' ', '=', '<', '>', '!', '.', '-', '~') }), (text) => {
      try {
        expect(parseRequirement(text)?.name ?? '').not.toMatch(/[\s=<>!]/);
      } catch (error) {
        expect(error).toMatchObject({ code: 'source-invalid' });
      }
    }));
  });
});
