import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { matchesChecksum, parseChecksum } from './checksum-sri.js';

function sri(algorithm: string, text: string, encoding: 'base64' | 'base64url' = 'base64'): string {
  return `${algorithm}-${createHash(algorithm).update(text).digest(encoding)}`;
}

function matches(checksum: string, text: string): boolean {
  const parsed = parseChecksum(checksum);
  return matchesChecksum(parsed, createHash(parsed.algorithm).update(text).digest());
}

describe('checksum.sri', () => {
  it.each(['sha256', 'sha384', 'sha512'])('holds for the content that it was made of, with %s, and for no other', (algorithm) => {
    expect([matches(sri(algorithm, 'a'), 'a'), matches(sri(algorithm, 'a'), 'b'), matches(`${sri(algorithm, 'a', 'base64url')}?ct=x`, 'a')]).toEqual([true, false, true]);
  });

  it('takes the strongest of several, and any one of that', () => {
    expect(matches(`${sri('sha256', 'a')} ${sri('sha512', 'b')}  ${sri('sha512', 'c')}`, 'c')).toBe(true);
    expect(matches(`${sri('sha256', 'a')} ${sri('sha512', 'b')}`, 'a')).toBe(false);
  });

  it.each(['', 'sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=', 'sha256-', 'sha256-AAAA', 'md5-x', 'sha256'])('is refused when nothing could be checked: %j', (text) => {
    expect(() => parseChecksum(text)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
