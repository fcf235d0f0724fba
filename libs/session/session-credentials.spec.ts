import { describe, expect, it } from '@jest/globals';
import { isSessionId } from './session-id.js';
import { makeSessionId, makeSessionToken, tokenDigest, tokenMatches } from './session-credentials.js';

describe('session credentials', () => {
  it('are well formed and never the same', () => {
    const ids = new Set(Array.from({ length: 200 }, makeSessionId));
    const tokens = new Set(Array.from({ length: 200 }, () => makeSessionToken()));
    expect([ids.size, tokens.size]).toEqual([200, 200]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9]{24}$/);
  });

  it('throw away the bytes that would make some characters likelier', () => {
    let call = 0;
    const random = (size: number): Uint8Array => new Uint8Array(size).fill([248, 255, 61][call++] ?? 0);
    expect(makeSessionToken(random)).toBe('9'.repeat(24));
    expect(call).toBe(3);
  });

  it('match their own digest only', () => {
    const token = makeSessionToken();
    expect(tokenMatches(token, tokenDigest(token))).toBe(true);
    for (const wrong of [tokenDigest(`${token}x`), '', 'sha256:', tokenDigest(token).toUpperCase()]) expect(tokenMatches(token, wrong)).toBe(false);
  });

  it.each([['abc', true], ['0', true], ['x'.repeat(64), true], ['x'.repeat(65), false], ['', false], ['A', false], ['a/b', false], ['..', false], ['a\n', false], [5, false]])('tell that %j is an id: %s', (value, expected) => {
    expect(isSessionId(value)).toBe(expected);
  });
});
