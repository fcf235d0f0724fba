import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normalisePythonVersion } from './python-version.js';

describe('normalisePythonVersion', () => {
  it.each([
    ['1.0', '1.0.0'],
    ['v1.0', '1'],
    ['1.0alpha1', '1.0a1'],
    ['1.0-c.2', '1.0rc2'],
    ['1.0-1', '1.0.post1'],
    ['1.0.rev3', '1.0.post3'],
    ['1.0.DEV', '1.0.dev0'],
    ['0!1.0', '1.0'],
    ['1.0+Ubuntu_01', '1.0+ubuntu.1'],
    ['2024.01.02', '2024.1.2'],
  ])('holds %s and %s for equal', (a, b) => {
    expect(normalisePythonVersion(a)).toBe(normalisePythonVersion(b));
  });

  it.each([
    ['1.0', '1.1'],
    ['1.0a1', '1.0b1'],
    ['1.0', '1.0.post0'],
    ['1.0', '1!1.0'],
    ['1.0', '1.0+local'],
    ['10', '1'],
  ])('tells %s from %s', (a, b) => {
    expect(normalisePythonVersion(a)).not.toBe(normalisePythonVersion(b));
  });

  it('is stable, and quick on any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('1', '0', '.', '-', '_', 'a', 'rc', 'post', 'dev', '+', '!', 'v'), { maxLength: 120 }), (parts) => {
        const once = normalisePythonVersion(parts.join(''));
        expect(normalisePythonVersion(once)).toBe(once);
      }),
    );
    const start = process.hrtime.bigint();
    normalisePythonVersion(`1${'.0'.repeat(127)}x`);
    normalisePythonVersion(`1+${'a-'.repeat(120)}!`);
    expect(process.hrtime.bigint() - start).toBeLessThan(50_000_000n);
  });
});
